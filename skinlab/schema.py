"""The typed, closed declaration of an experiment: every key, its type, range and meaning.

Values live in conf/ (each default is said there, once); this module says what a value may be. It imports the
standard library only, so that `skinlab --help` and shell completion are instant.

A config group with variants is a union of dataclasses told apart by their `name` key: `dataset=folder` loads
conf/dataset/folder.yaml, whose `name: folder` selects `FolderDataset`.
"""

from dataclasses import dataclass, field
from typing import Any, Literal


def key(
    doc: str,
    *,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    unit: str = "",
) -> Any:
    """A documented key without a default; `ge`, `gt`, `le`, `lt` bound a number or the length of a list."""
    bounds = {"ge": ge, "gt": gt, "le": le, "lt": lt}
    metadata = {
        "doc": doc,
        "unit": unit,
        "bounds": {name: bound for name, bound in bounds.items() if bound is not None},
    }
    return field(metadata=metadata)


# --- dataset -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class DatasetBase:
    """Keys that every data set has."""

    classes: list[str] | dict[str, list[str]] | None = key(
        "classes in the order of the outputs: labels, or {class: [its labels]} to merge them; null: all labels found, "
        "sorted"
    )
    on_other_label: Literal["drop", "fail"] = key(
        "images whose label is in no class are left out and counted, or stop the run"
    )
    positive_class: str | None = key(
        "the class that sensitivity and specificity are about; null: the one that is known by its name, such as "
        "malignant, melanoma, mel or 1 beside 0 (in any case); of two unknown ones the last; of more none"
    )
    colour_profile: Literal["convert", "ignore"] = key(
        "colours of files with an embedded profile, e.g. Display P3: brought to sRGB, or taken as they stand"
    )
    on_corrupt: Literal["drop", "fail"] = key("an unreadable image is left out and recorded, or stops the run")
    on_missing: Literal["fail", "drop"] = key(
        "an image without a label, or a row without an image, stops the run, or is left out and counted"
    )
    missing_values: list[str] = key(
        "further texts that mean that a value is not known, beside an empty one, NA, N/A, NaN, None and null"
    )
    on_spelling: Literal["fail", "merge", "keep"] = key(
        "two spellings of one label, group or id (case, blanks, 12 and 12.0) stop the run, are one, or are two things"
    )
    label_log: str | None = key(
        "the log of label corrections; null: labels.log beside the source's labels, none for phantoms"
    )
    label_revision: str | None = key(
        "which corrections apply: those up to this revision of the log (the beginning of a hash); none; null: all"
    )
    shuffle_labels: bool = key(
        "negative control: labels are permuted by split.seed (by 0 with split=file), so an honest test score is chance"
    )
    image_size: int = key(
        "size these images are best trained at; network.image_size follows it", ge=32, le=1024, unit="px"
    )


@dataclass(frozen=True, kw_only=True)
class SyntheticDataset(DatasetBase):
    """Phantoms drawn by the ABCD rule. For trying the software; useless for medicine."""

    name: Literal["synthetic"] = key("which source")
    images: int = key("how many phantoms are drawn", ge=8, le=1_000_000)
    seed: int = key("the phantoms are a function of this seed and the keys here", ge=0)
    draw_size: int = key("width and height that phantoms are drawn at", ge=32, le=1024, unit="px")
    malignant_fraction: float = key("fraction of malignant phantoms", gt=0, lt=1)
    difficulty: float = key("0: the ABCD criteria separate the classes fully; 1: not at all", ge=0, le=1)
    label_noise: float = key("fraction of phantoms whose label is flipped", ge=0, le=0.5)
    images_per_lesion: float = key("mean number of phantoms of one lesion; they share its group", ge=1, le=4)


@dataclass(frozen=True, kw_only=True)
class TabularDataset(DatasetBase):
    """Keys of data sets that a table describes."""

    separator: Literal[",", ";", "|", "\t"] | None = key("between the values of a line of the table; null: found out")
    encoding: str | None = key("of the table's text, e.g. utf-8, utf-16 or latin-1; null: found out")


@dataclass(frozen=True, kw_only=True)
class FolderDataset(DatasetBase):
    """A folder with one sub-folder of images per class: PATH/benign/a.jpg, PATH/malignant/b.jpg.

    The classes may lie below folders of a given split (train, val, test), which split=holdout then takes.
    """

    name: Literal["folder"] = key("which source")
    path: str = key("the folder, or a .zip or .tar archive of it")


@dataclass(frozen=True, kw_only=True)
class TableDataset(TabularDataset):
    """A table, as delimited text or Parquet, with one row per image, and a folder of images."""

    name: Literal[
        "table",
        "ham10000",
        "milk10k",
        "bcn20000",
        "pad_ufes_20",
        "fitzpatrick17k",
        "fitzpatrick17k_c",
        "derm7pt",
        "ddi",
        "ph2",
        "dermamnist",
    ] = key("which source")
    path: str = key(
        "the table: .csv, .tsv, .csv.gz, .parquet; of a published set, or with dataset.table, what holds all of it: a "
        "folder, an archive, an .npz"
    )
    table: list[str] = key("names that the table may have in path, the first that is there (* is any text); []: path")
    image_root: str | list[str] | None = key(
        "folder, archive or HDF5 file of the images; a list: names in path, the first that is there; null: path, or "
        "the folder of the table"
    )
    image_column: str | list[str] = key(
        "column with the image's path or its name without extension; a list where a row has several images"
    )
    label_column: str | list[str] = key("column with the class name; a list: columns of which one is 1")
    label_values: dict[str, str] = key(
        "what the values of label_column stand for, others stop the run; {}: each for itself"
    )
    group_column: str | list[str] | None = key(
        "column with the lesion or patient id; a list: the first that is known, patients before lesions; null: unknown"
    )
    metadata: list[str] = key("names of further tables in path, joined by image or group id where they are there")
    given_split: str | dict[str, str] | None = key(
        "column that names the subset; or {subset: name of a table with the numbers of its rows, from 0}; null: none"
    )


@dataclass(frozen=True, kw_only=True)
class IsicChallengeDataset(TabularDataset):
    """An ISIC challenge of 2016 to 2020 or 2024: images and the ground truth of the classification task."""

    name: Literal["isic_challenge", "isic2016", "isic2017", "isic2018", "isic2019", "isic2020", "isic2024"] = key(
        "which source"
    )
    path: str = key("the folder of images, or an archive of it, or an HDF5 file; it may hold the tables, too")
    ground_truth: str | dict[str, list[str]] = key(
        "the table of the classification task; or {subset: names that its table may have in path}: the given split"
    )
    metadata: str | list[str] | None = key(
        "a table with further columns, e.g. lesion_id; a list: names of tables in path; null: none"
    )
    image_root: list[str] = key(
        "names in path that the folder or HDF5 file of the images may have, the first that is there; []: path"
    )


@dataclass(frozen=True, kw_only=True)
class IsicCliDataset(TabularDataset):
    """The folder that `isic image download` writes: images and metadata.csv."""

    name: Literal["isic_cli"] = key("which source")
    path: str = key("the folder with metadata.csv and the images")
    label_column: str | None = key(
        "column with the class name; null: the first that is there of diagnosis_1, benign_malignant, diagnosis"
    )


License = Literal["CC-0", "CC-BY", "CC-BY-NC"]


@dataclass(frozen=True, kw_only=True)
class IsicArchiveDataset(DatasetBase):
    """Images of the ISIC Archive, in the local copy that `skinlab data fetch` makes."""

    name: Literal["isic_archive"] = key("which source")
    path: str = key("the local copy; `skinlab data fetch --out PATH` makes it")
    query: str = key("in the archive's search language, e.g. sex:female; empty: all images")
    collections: list[int] = key("ids of collections of the archive; empty: all")
    limit: int | None = key("at most so many images, the first in the archive's order; null: all", ge=1)
    size: Literal["full", "thumbnail"] = key("original files, or the archive's thumbnails of 256 px")
    resize: int | None = key(
        "shorter side that files are brought down to on arrival; null: left as they are", ge=32, le=4096, unit="px"
    )
    licenses: list[License] | None = key("only images under these licences, at fetch and at load; null: all")
    label_field: str = key("column of metadata.csv with the class name; images without a value are left out")


@dataclass(frozen=True, kw_only=True)
class UrlsDataset(DatasetBase):
    """Images that a CSV table of addresses names, in the local copy that `skinlab data fetch --urls` makes."""

    name: Literal["urls"] = key("which source")
    table_path: str = key("the CSV file with the columns url, label and maybe group and name")
    path: str = key("the local copy; `skinlab data fetch --urls TABLE --out PATH` makes it")


Dataset = (
    SyntheticDataset
    | FolderDataset
    | TableDataset
    | IsicChallengeDataset
    | IsicCliDataset
    | IsicArchiveDataset
    | UrlsDataset
)


# --- split ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class HoldoutSplit:
    """Stratified, group-aware train / validation / test."""

    name: Literal["holdout"] = key("which split")
    given: Literal["use", "ignore"] = key(
        "a split that the data set comes with is the split, with validation taken from training where it has none; or "
        "nothing, and all images are dealt anew"
    )
    validation: float = key("fraction of the images for model selection", gt=0, lt=1)
    test: float = key("fraction of the images scored once, at the end", gt=0, lt=1)
    seed: int = key("the split is a function of this seed and the image and group ids", ge=0)


@dataclass(frozen=True, kw_only=True)
class KFoldSplit:
    """Stratified, group-aware cross-validation: each image is in the test subset of exactly one fold."""

    name: Literal["kfold"] = key("which split")
    folds: int = key("how many parts the images are divided into", ge=2, le=100)
    fold: int = key("which part is the test subset of this run; all: -m 'split.fold=range(5)'", ge=0)
    validation: float = key("fraction of the images outside the test fold for model selection", gt=0, lt=1)
    seed: int = key("the folds are a function of this seed and the image and group ids", ge=0)


@dataclass(frozen=True, kw_only=True)
class SubsetValues:
    """Which values of a column stand for which subset."""

    train: list[str] = key("values for training")
    validation: list[str] = key("values for model selection")
    test: list[str] = key("values for the images scored once, at the end")


@dataclass(frozen=True, kw_only=True)
class ColumnSplit:
    """Subsets as a column of the data set's table tells them."""

    name: Literal["column"] = key("which split")
    column: str = key("the column")
    values: SubsetValues = key("which values stand for which subset")
    on_other_value: Literal["drop", "fail"] = key("images with another value are left out and counted, or stop the run")
    validation: float | None = key(
        "fraction of the training images to take for model selection; null: the column names them", gt=0, lt=1
    )
    seed: int = key("what is taken from the training images is a function of this seed and the ids", ge=0)


@dataclass(frozen=True, kw_only=True)
class FileSplit:
    """The subsets of an earlier run."""

    name: Literal["file"] = key("which split")
    path: str = key("the split.csv of a run")
    on_mismatch: Literal["drop", "fail"] = key(
        "images that are not the same as in the file are left out and counted, or stop the run"
    )


Split = HoldoutSplit | KFoldSplit | ColumnSplit | FileSplit


# --- audit ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What is looked for in the data before training, and what is done about leaks. See docs/data-audit.md."""

    near_duplicates: bool = key("search for copies that were resized, recompressed, flipped or slightly cropped")
    similarity: float = key("agreement in fine structure from which two images are near-duplicates", ge=0.5, le=1)
    on_leak: Literal["fail", "drop", "warn"] = key(
        "copies or a group in two subsets: refuse to train; leave out their training side; say so and go on"
    )
    small_class: int = key(
        "a class with fewer images in validation or test is reported as too small", ge=1, le=1_000_000, unit="images"
    )
    known_duplicates: list[str] = key(
        "tables whose rows each name two or more images of one photograph; they stay in one subset"
    )
    known_errors: list[str] = key("tables whose rows each name an image to be left out")
    outlier_z: float = key(
        "robust z-score of brightness, contrast or file size from which an image is reported", gt=0, le=1000
    )


# --- augmentation --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Random changes of training images, drawn from (seed, epoch, image_id) alone. See docs/augmentation.md."""

    name: str = key("a name for reports")
    transforms: list[dict[str, Any]] = key(
        "albumentations transforms by `_target_`, applied in order to uint8 RGB images"
    )
    copies: int = key(
        "fixed changed copies of each training image, the same in every epoch, beside the unchanged image; "
        "0: each image is changed anew in each epoch",
        ge=0,
        le=1000,
    )


# --- network, method, optimizer ------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Network:
    """The classifier."""

    name: str = key(
        "the architecture: alexnet, resnet18, resnet34, resnet50, resnet101, resnet152, mobilenet_v2; with "
        "engine=torch also any of timm's models"
    )
    weights: str = key(
        "what training begins with: none (drawn from seed), imagenet (published, fetched once), a .safetensors or .pth "
        "file, or a run directory (its best epoch)"
    )
    image_size: int = key("width and height of the network's input", ge=32, le=1024, unit="px")
    dropout: float = key("probability that a feature is dropped before the classifier", ge=0, lt=1)
    mean: list[float] = key("per-channel mean of RGB in 0..1, subtracted inside the model", ge=3, le=3)
    std: list[float] = key("per-channel standard deviation of RGB in 0..1, divided by inside the model", ge=3, le=3)


@dataclass(frozen=True, kw_only=True)
class Finetune:
    """Weights are trained by gradient descent."""

    name: Literal["finetune"] = key("which method")
    freeze: str = key(
        "what keeps its weights and batch-norm statistics: none, backbone (all but the classifier), or a stage of the "
        "network, which is frozen with all before it"
    )


@dataclass(frozen=True, kw_only=True)
class OptimizerBase:
    """Keys that every update rule has. Below, g is the mean gradient of the minibatch and r the rate of the step."""

    learning_rate: float = key("step size, applied to the mean gradient of the minibatch", gt=0, le=10)
    minibatch_size: int = key("images a step", ge=1, le=4096)
    weight_decay: float = key("L2: this times the weight is added to its gradient", ge=0, le=1)


@dataclass(frozen=True, kw_only=True)
class SGD(OptimizerBase):
    """Stochastic gradient descent: w = w - r g."""

    name: Literal["sgd"] = key("which optimizer")


@dataclass(frozen=True, kw_only=True)
class MomentumSGD(OptimizerBase):
    """Stochastic gradient descent with momentum: v = momentum v + g; w = w - r v."""

    name: Literal["momentum_sgd"] = key("which optimizer")
    momentum: float = key("fraction of the last step that is kept", ge=0, lt=1)


@dataclass(frozen=True, kw_only=True)
class Nesterov(OptimizerBase):
    """Nesterov's momentum as in Sutskever et al., ICML 2013: v = momentum v + g; w = w - r (g + momentum v)."""

    name: Literal["nesterov"] = key("which optimizer")
    momentum: float = key("fraction of the last step that is kept", ge=0, lt=1)


@dataclass(frozen=True, kw_only=True)
class Adam(OptimizerBase):
    """Kingma & Ba, ICLR 2015, with bias correction: w = w - r m' / (sqrt(s') + epsilon)."""

    name: Literal["adam"] = key("which optimizer")
    beta1: float = key("decay of the mean of gradients", ge=0, lt=1)
    beta2: float = key("decay of the mean of their squares", ge=0, lt=1)
    epsilon: float = key("added to the root", gt=0, le=1)


@dataclass(frozen=True, kw_only=True)
class AdamW(OptimizerBase):
    """Adam with weight decay apart from the gradient (Loshchilov & Hutter, ICLR 2019): w = (1 - r decay) w first."""

    name: Literal["adamw"] = key("which optimizer")
    weight_decay: float = key("this times the rate times the weight is taken from the weight", ge=0, le=1)
    beta1: float = key("decay of the mean of gradients", ge=0, lt=1)
    beta2: float = key("decay of the mean of their squares", ge=0, lt=1)
    epsilon: float = key("added to the root", gt=0, le=1)


@dataclass(frozen=True, kw_only=True)
class RMSprop(OptimizerBase):
    """Tieleman & Hinton, 2012: s = alpha s + (1 - alpha) g^2; w = w - r g / (sqrt(s) + epsilon)."""

    name: Literal["rmsprop"] = key("which optimizer")
    alpha: float = key("decay of the mean of squared gradients", ge=0, lt=1)
    epsilon: float = key("added to the root", gt=0, le=1)


@dataclass(frozen=True, kw_only=True)
class Adagrad(OptimizerBase):
    """Duchi et al., JMLR 2011: s = s + g^2; w = w - r g / (sqrt(s) + epsilon)."""

    name: Literal["adagrad"] = key("which optimizer")
    epsilon: float = key("added to the root", gt=0, le=1)


Optimizer = SGD | MomentumSGD | Nesterov | Adam | AdamW | RMSprop | Adagrad


@dataclass(frozen=True, kw_only=True)
class Featurize:
    """The network is left as `network.weights` gives it; a linear classifier is fitted to its features."""

    name: Literal["featurize"] = key("which method")
    classifier: Literal["linear_svm", "logistic_regression"] = key("scikit-learn's LinearSVC or LogisticRegression")
    C: float = key("inverse strength of the L2 regularisation", gt=0, le=1e6)
    class_weight: Literal["none", "balanced"] = key("balanced: a class counts by the inverse of its frequency")
    standardize: bool = key("features are brought to mean 0 and standard deviation 1 over the training subset")


@dataclass(frozen=True, kw_only=True)
class Head:
    """The last layer alone is trained, on features that are computed once: finetune with freeze=backbone, but fast."""

    name: Literal["head"] = key("which method")


Method = Finetune | Featurize | Head


# --- training ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A stretch of epochs at one multiple of the learning rate."""

    epochs: float = key("length; phases are stretched together to training.epochs", gt=0)
    factor: float = key("multiple of optimizer.learning_rate", ge=0, le=100)


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How the learning rate changes over training."""

    name: Literal["phases", "cosine", "one_cycle"] = key("steps by phases; cosine to zero; one rise and fall")
    phases: list[Phase] = key("for phases: what follows what", ge=1, le=100)
    warmup_epochs: float = key("epochs of linear rise from zero before phases and cosine", ge=0, le=1000)


@dataclass(frozen=True, kw_only=True)
class EarlyStopping:
    """Training ends before its last epoch where the monitored metric does not get better any more."""

    patience: int | None = key("epochs in a row without an improvement after which training ends; null: never", ge=1)
    min_delta: float = key("an improvement is more than this, over the last epoch that was one", ge=0)


@dataclass(frozen=True, kw_only=True)
class Training:
    """The training loop, the same on every engine."""

    epochs: int = key("passes over the training subset", ge=1, le=10_000)
    schedule: Schedule = key("learning-rate schedule")
    class_weights: Literal["none", "balanced"] = key(
        "balanced: a class counts by the inverse of its frequency in the loss"
    )
    sampling: Literal["natural", "balanced"] = key(
        "natural: each training image once an epoch; balanced: as many images, but equally many of each class"
    )
    label_smoothing: float = key(
        "part of each target that is spread evenly over all classes, against overconfidence; 0: off",
        ge=0,
        lt=1,
    )
    mixup: float = key(
        "each training image is mixed with another, in a share from Beta(mixup, mixup), usually 0.1 to 0.4; 0: off",
        ge=0,
        le=100,
    )
    monitor: Literal["auc", "loss", "accuracy"] = key("validation metric that chooses the best epoch")
    early_stopping: EarlyStopping = key("when to end early, by the monitored metric")
    loader_workers: int = key(
        "processes that prepare minibatches ahead; 0: the training process does. Never changes a result", ge=0, le=64
    )
    checkpoint_minutes: float = key("at most this long between checkpoints inside an epoch", gt=0, unit="min")


@dataclass(frozen=True, kw_only=True)
class LrFind:
    """The learning-rate range test of `skinlab lr-find`. See docs/learning-rate.md."""

    lowest: float = key("learning rate of the first step", gt=0, le=10)
    highest: float = key("learning rate of the last step", gt=0, le=10)
    steps: int = key("minibatches; the rate rises by the same factor from each to the next", ge=10, le=100_000)
    smoothing: float = key("weight of the earlier losses in the smoothed loss", ge=0, lt=1)
    divergence: float = key("the test ends where the smoothed loss is this many times its smallest", gt=1, le=1000)


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """How the final numbers are computed."""

    tta: Literal["none", "flips", "dihedral"] = key(
        "test-time augmentation: probabilities are the mean over the image, its flips, or all 8 symmetries of the "
        "square, in the final numbers and in the bundle alike"
    )
    confidence: float = key("level of the intervals", ge=0.5, lt=1)
    bootstrap: int = key("resamples for metrics without a closed-form interval", ge=100, le=100_000)
    operating_point: str | float = key(
        "probability from which an image is called positive, or the rule that chooses it on validation: "
        "sensitivity>=0.95, specificity>=0.9, youden, cost(fn=10,fp=1); of two classes"
    )
    calibration: Literal["none", "temperature"] = key(
        "temperature: logits are divided by a number fitted on validation, in the bundle too"
    )
    at_specificity: float = key("specificity at which sensitivity is given", gt=0, lt=1)
    at_sensitivity: float = key("sensitivity at which specificity is given", gt=0, lt=1)
    subgroups: list[str] | dict[str, list[float] | None] | None = key(
        "columns by whose values the test subset is scored too: names, or {column: edges of bands of a number}; "
        "null: none"
    )
    smallest_subgroup: int = key(
        "a subgroup with fewer images of a class is called too small to say", ge=1, le=1_000_000, unit="images"
    )


# --- engine, tracking ----------------------------------------------------------------------------------------------


GpuName = Literal["gpu:0", "gpu:1", "gpu:2", "gpu:3", "gpu:4", "gpu:5", "gpu:6", "gpu:7"]
"""A GPU by its number among those that CUDA_VISIBLE_DEVICES leaves."""


@dataclass(frozen=True, kw_only=True)
class CntkEngine:
    """Microsoft CNTK 2.7 in its own Python 3.6 worker process."""

    name: Literal["cntk"] = key("which engine")
    device: Literal["auto", "cpu", "gpu", GpuName] = key(
        "auto: a GPU where the runtime has the GPU build and there is one worker, else the CPU; gpu: the first that "
        "CNTK covers; gpu:1: the second of those that CUDA_VISIBLE_DEVICES leaves"
    )
    threads: int | None = key(
        "CPU threads, of all workers together; null: one per core that this process may use", ge=1, le=1024
    )
    workers: int = key("processes that share each minibatch, on the CPU; more than 1 needs OpenMPI", ge=1, le=64)
    mkl_cpu_type: Literal["auto", "default", "avx2"] = key("MKL code path; auto: avx2 on CPUs that are not Intel's")


@dataclass(frozen=True, kw_only=True)
class TorchEngine:
    """PyTorch, on CPUs and on GPUs newer than CNTK's; `pip install skinlab[torch]`. See docs/engines.md."""

    name: Literal["torch"] = key("which engine")
    device: Literal["auto", "cpu", "gpu", GpuName] = key(
        "auto: a GPU where PyTorch sees one, else the CPU; gpu: the first; gpu:1: the second of those that "
        "CUDA_VISIBLE_DEVICES leaves. Of several devices it is the first"
    )
    devices: int = key(
        "processes that share each minibatch, each with a GPU of its own or a part of the CPU threads", ge=1, le=64
    )
    threads: int | None = key(
        "CPU threads, of all processes on a host together; null: one per core that this process may use", ge=1, le=1024
    )
    precision: Literal["auto", "fp32", "bf16"] = key(
        "of training: bf16 is autocast; auto: bf16 where the device computes in it natively. Prediction is in fp32"
    )
    channels_last: bool = key("memory layout of images and weights; never changes what is computed but the rounding")
    deterministic: bool = key("the same bits every time; false lets a GPU choose faster algorithms")
    ema: float | None = key(
        "decay of a running mean of the weights, which prediction and the bundle use; it is at most t / (9 + t) in "
        "step t; null: none",
        gt=0,
        lt=1,
    )
    clip_norm: float | None = key("largest Euclidean norm of the mean gradient; null: not clipped", gt=0)


Engine = CntkEngine | TorchEngine


@dataclass(frozen=True, kw_only=True)
class Mlflow:
    """Runs of MLflow: parameters, numbers by epoch, final numbers with intervals, artifacts. See docs/tracking.md."""

    uri: str | None = key("of the tracking store or server; null: sqlite in output_dir, with the artifacts beside it")
    experiment: str = key("name of MLflow's experiment; made where there is none")
    bundle: bool = key("whether the bundle is an artifact too")


@dataclass(frozen=True, kw_only=True)
class AzureMl:
    """Runs in an Azure ML workspace, by its MLflow address; `pip install 'skinlab[azureml]'`."""

    uri: str = key("as `az ml workspace show --query mlflow_tracking_uri` prints it: azureml://...")
    experiment: str = key("name of the workspace's experiment; made where there is none")
    bundle: bool = key("whether the bundle is an artifact too")


@dataclass(frozen=True, kw_only=True)
class Tracking:
    """Where the record of a run goes besides its directory; a sink that fails never fails the run."""

    wait: float = key("longest time that the end of a run waits for each of its sinks", ge=1, le=3600, unit="s")
    tensorboard: bool = key("event files in the run directory")
    mlflow: Mlflow | None = key("runs of MLflow; null: none")
    azureml: AzureMl | None = key("runs of an Azure ML workspace; null: none")


# --- sweep ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Scaled:
    """A swept number that follows another one in proportion."""

    by: str = key("the key that it follows, a number")
    at: float = key("where that key has this value, the swept number is taken as it is", gt=0)


@dataclass(frozen=True, kw_only=True)
class Pruning:
    """When a trial is ended early, by the monitored metric of validation after each epoch."""

    warmup_epochs: int = key("epochs that every trial is given", ge=1)
    startup_trials: int = key("median: trials that must have ended before any is pruned", ge=1)
    patience: int = key("patience: epochs in a row without an improvement", ge=1)
    reduction: int = key("hyperband: one of so many goes on, to so many times as many epochs", ge=2, le=16)


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """How `skinlab train -m` chooses its trials; a single run does not look at it. See docs/sweeps.md."""

    sampler: Literal["grid", "random", "tpe", "cmaes", "nsga2"] = key(
        "who chooses the points: grid runs every combination; the others need skinlab[sweeps]"
    )
    trials: int | None = key(
        "points that the sampler chooses, each run with every swept seed and fold; null: all, of a grid",
        ge=1,
        le=100_000,
    )
    seed: int = key("the sampler's choices are a function of it and of the results before", ge=0, le=2**31 - 1)
    space: dict[str, str] | None = key("what is swept beside the command line: {key: values in Hydra's syntax}")
    scaled: dict[str, Scaled] | None = key("swept numbers that follow another key: {key: {by: key, at: value}}")
    objectives: list[str] | None = key(
        "metrics of the validation subset that are made as good as they can; several give a Pareto front; null: "
        "training.monitor",
        ge=1,
        le=5,
    )
    pruner: Literal["none", "median", "hyperband", "patience"] = key("who ends unpromising trials early")
    pruning: Pruning = key("the pruner's settings")
    parallel: int | None = key(
        "trials handed to the launcher at once, where later ones depend on earlier results; null: its n_jobs, else 1",
        ge=1,
        le=10_000,
    )
    on_failure: str = key("of a failed trial: continue with the others, stop, or retry(n) times")
    storage: str | None = key(
        "an optuna storage URL that is told of every trial; null: a journal in the sweep's folder"
    )


# --- bundle, deployment --------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """What a run's bundle carries besides the model. See docs/deploy.md."""

    replay_images: int = key(
        "test images that the bundle carries, with their probabilities, so that whatever serves it can be checked; "
        "they go where the bundle goes; 0: none",
        ge=0,
        le=64,
    )


@dataclass(frozen=True, kw_only=True)
class LocalDeployment:
    """An HTTP service on this machine; `pip install skinlab[serve]`. See docs/deploy.md."""

    target: Literal["local"] = key("where to")
    name: str | None = key("of the deployment; null: the name of the experiment")
    host: str = key("address to listen on; 127.0.0.1: this machine alone")
    port: int = key("0: one that is free, kept when the deployment is replaced", ge=0, le=65_535)
    auth: Literal["key", "none"] = key("whether a request needs a key")
    key_file: str | None = key(
        "file with a key a line, readable by its owner alone; null: $SKINLAB_DEPLOYMENT_KEYS, else one is made"
    )
    workers: int = key("processes that answer", ge=1, le=64)
    threads: int | None = key(
        "images that each worker computes beside each other; null: the processors divided among workers", ge=1, le=256
    )
    max_batch: int = key("images that are computed together at most", ge=1, le=256)
    batch_wait_ms: float = key(
        "how long an image may wait for others to be computed with; 0: only those that wait anyway", ge=0, le=1000
    )
    body_mb: float = key("size of a request", gt=0, le=1024, unit="MB")
    megapixels: float = key("size of an image, looked at in its header before it is decoded", gt=0, le=170)
    images: int = key("images in a request", ge=1, le=1024)
    concurrency: int = key(
        "requests in work at a time, in each worker; one more is told to come again", ge=1, le=10_000
    )
    request_seconds: float = key("within which a request must be read and answered", gt=0, le=3600, unit="s")
    drain_seconds: float = key("given to requests in work when the service stops", ge=0, le=3600, unit="s")
    log_mb: float = key("size of the log, and again of the one before", gt=0, le=1024, unit="MB")


@dataclass(frozen=True, kw_only=True)
class AzureDeployment:
    """Keys that every target in an Azure ML workspace has. See docs/azure.md."""

    name: str | None = key("of the deployment; null: the name of the experiment")
    subscription: str = key("id of the Azure subscription")
    resource_group: str = key("resource group of the workspace")
    workspace: str = key("Azure ML workspace")
    image: str = key("base image of the environment; the packages come on top of it")
    create_minutes: float = key(
        "given to Azure to make it, the image of its environment included; then it is taken away",
        gt=0,
        le=600,
        unit="min",
    )


@dataclass(frozen=True, kw_only=True)
class AzureMlOnlineDeployment(AzureDeployment):
    """A managed online endpoint of Azure ML; `pip install skinlab[azure]`. See docs/azure.md."""

    target: Literal["azureml_online"] = key("where to")
    endpoint: str | None = key("name of the endpoint, unique in its Azure region; null: deployment.name")
    auth: Literal["key", "aad_token"] = key("what a request must bring: a key, or a token of Microsoft Entra")
    instance_type: str = key("SKU of the machines")
    instance_count: int = key("machines", ge=1, le=100)
    concurrency: int = key("requests in work at a time, on each machine", ge=1, le=1000)
    request_seconds: float = key("within which a request must be answered", gt=0, le=180, unit="s")


@dataclass(frozen=True, kw_only=True)
class AzureMlAciDeployment(AzureDeployment):
    """An Azure Container Instance, by Azure ML's SDK v1, out of Microsoft's support since June 2026; for trying.

    `pip install skinlab[azure_v1]`. See docs/azure.md.
    """

    target: Literal["azureml_aci"] = key("where to")
    service: str | None = key("name of the service in the workspace; null: deployment.name")
    cpu_cores: float = key("of the container", ge=0.1, le=4)
    memory_gb: float = key("of the container", ge=0.1, le=16, unit="GB")


@dataclass(frozen=True, kw_only=True)
class AzureMlAksDeployment(AzureDeployment):
    """A cluster of Azure Kubernetes, by Azure ML's SDK v1, out of Microsoft's support since June 2026.

    `pip install skinlab[azure_v1]`. See docs/azure.md.
    """

    target: Literal["azureml_aks"] = key("where to")
    service: str | None = key("name of the service in the workspace; null: deployment.name")
    cluster: str = key("the cluster, as it is attached to the workspace")
    namespace: str | None = key("of the cluster; null: that of the service's name")
    auth: Literal["key", "token"] = key("what a request must bring: a key, or a token of the workspace")
    replicas: int = key("containers", ge=1, le=1000)
    cpu_cores: float = key("of each container", ge=0.1, le=128)
    memory_gb: float = key("of each container", ge=0.1, le=1024, unit="GB")
    concurrency: int = key("requests in work at a time, in each container", ge=1, le=1000)
    request_seconds: float = key("within which a request must be answered", gt=0, le=300, unit="s")


Deployment = LocalDeployment | AzureMlOnlineDeployment | AzureMlAciDeployment | AzureMlAksDeployment


# --- the whole -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Config:
    """A declared experiment."""

    name: str = key("name of the experiment, and of its folder under outputs/runs")
    seed: int = key("of weights, order, augmentation and dropout", ge=0, le=2**31 - 1)
    output_dir: str = key("where run directories go")
    dataset: Dataset = key("labelled images")
    split: Split = key("train, validation and test subsets")
    audit: Audit = key("checks of the data before training")
    augmentation: Augmentation = key("random changes of training images")
    network: Network = key("architecture")
    method: Method = key("what is trained")
    optimizer: Optimizer = key("update rule")
    training: Training = key("the training loop")
    lr_find: LrFind = key("the test of skinlab lr-find; training does not look at it")
    evaluation: Evaluation = key("final numbers")
    engine: Engine = key("what computes")
    tracking: Tracking = key("record sinks; several choices at once: tracking=[tensorboard,mlflow]")
    bundle: Bundle = key("what the bundle carries")
    deployment: Deployment = key("where skinlab deploy puts a bundle; training does not look at it")
    sweep: Sweep = key("how skinlab train -m searches; a single run does not look at it")
