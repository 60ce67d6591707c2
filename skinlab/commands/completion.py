"""`skinlab completion SHELL`: prints the script that connects a shell's TAB to `skinlab __complete`."""

import sys

from skinlab.commands.arguments import Parser
from skinlab.config.suggest import did_you_mean, then_list
from skinlab.errors import ConfigError

# Bash splits words at the characters of COMP_WORDBREAKS, `=` and `:` among them, and replaces only the last piece.
# So the words are read from the line itself, and what stands before the last such character is cut from the answers.
BASH = r"""_skinlab() {
    local line=${COMP_LINE:0:COMP_POINT} candidate kept= character
    local -a words
    read -ra words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    local current=${words[-1]}
    for character in = :; do
        if [[ $COMP_WORDBREAKS == *"$character"* && $current == *"$character"* ]]; then
            local before=${current%"$character"*}$character
            (( ${#before} > ${#kept} )) && kept=$before
        fi
    done
    COMPREPLY=()
    while IFS= read -r candidate; do
        [[ $candidate == *[=./] ]] || candidate+=' '
        COMPREPLY+=("${candidate#"$kept"}")
    done < <("${words[0]}" __complete "${words[@]:1}" 2>/dev/null)
}
complete -o nospace -F _skinlab skinlab
"""

ZSH = r"""#compdef skinlab
_skinlab() {
    local -a candidates
    candidates=("${(@f)$(${words[1]} __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    candidates=(${candidates:#})
    compadd -S '' -- ${(M)candidates:#*[=./]}
    compadd -- ${candidates:#*[=./]}
}
compdef _skinlab skinlab
"""

FISH = r"""function __skinlab_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    $words[1] __complete $words[2..-1] "$current" 2>/dev/null
end
complete -c skinlab -f -a '(__skinlab_complete)'
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}
HELP = """usage: skinlab completion bash|zsh|fish

Print a script that completes verbs, options, config groups, keys and their values. To use it, add one line:

  bash, in ~/.bashrc                    source <(skinlab completion bash)
  zsh, in ~/.zshrc after compinit       source <(skinlab completion zsh)
  fish, in ~/.config/fish/config.fish   skinlab completion fish | source
"""


def main(argv: list[str]) -> int:
    """Print the script of one shell.

    Raises:
        ConfigError: no shell, or one that there is no script for.
    """
    parser = Parser("completion")
    parser.add_argument("shell", nargs="?")
    options = parser.parse_args(argv)
    sys.stdout.write(HELP if options.help else script(options.shell))
    return 0


def script(shell: str | None) -> str:
    """The script for a shell.

    Raises:
        ConfigError: there is none.
    """
    if shell in SCRIPTS:
        return SCRIPTS[shell]
    if not shell:
        raise ConfigError(f"which shell? There are: {', '.join(SCRIPTS)}")
    raise ConfigError(f"no script for '{shell}'{then_list(did_you_mean(shell, SCRIPTS), 'There are', SCRIPTS)}")
