"""Many runs as one experiment: what is swept, who chooses the next points, which are stopped early, what came of it.

`declaration` is what was typed, `space` what it sweeps, `samplers` choose points, `trial` runs one of them in any
process, `sweeper` hands batches to Hydra's launcher, `state` is the directory. Hydra finds it through `hydra_plugins`.
"""
