import pytest

from skinlab.config import compose
from skinlab.data.transforms import package_of
from skinlab.errors import ConfigError

ALLOWED = (
    "only transforms of albumentations by their own name, e.g. albumentations.HorizontalFlip, "
    "skinlab.augmentations.Hair and skinlab.augmentations.Ruler"
)


def transforms(*values):
    return f"augmentation.transforms=[{', '.join(values)}]"


@pytest.mark.parametrize("name", ["''", "a/b", "a\\\\b", "..", ".", "' a'", "x" * 201, '"a\tb"'])
def test_a_name_that_is_no_folder_name_is_refused(name, mistakes):
    (line,) = mistakes(f"name={name}")
    assert "must be usable as a folder name" in line


@pytest.mark.parametrize("name", ["a", "lr=0.1 b", "melanoma-2024_v1.2", "Läsion"])
def test_ordinary_names_are_fine(name):
    assert compose([f"name='{name}'"]).config.name == name


@pytest.mark.parametrize(("validation", "test"), [(0.5, 0.5), (0.9, 0.2)])
def test_images_are_left_for_training(validation, test, mistakes):
    (line,) = mistakes(f"split.validation={validation}", f"split.test={test}")
    assert "must be below 1 to leave images for training" in line


@pytest.mark.parametrize("classes", ["[a]", "[]", "[a,a]"])
def test_two_different_classes_are_needed(classes, mistakes):
    assert mistakes(f"dataset.classes={classes}") == [
        f"dataset.classes={classes}: must be at least two different class names"
    ]


def test_the_positive_class_is_one_of_the_classes(mistakes):
    assert mistakes("dataset.classes=[a,b]", "dataset.positive_class=c") == [
        "dataset.positive_class=c: must be one of dataset.classes: a, b"
    ]


def test_an_image_of_which_a_network_leaves_nothing_is_refused(mistakes):
    assert mistakes("network=alexnet", "network.image_size=62") == [
        "network.image_size=62: must be at least 63 for alexnet: its poolings leave nothing of less"
    ]
    assert compose(["network=alexnet", "network.image_size=63"]).config.network.image_size == 63
    assert compose(["network=mobilenet_v2", "network.image_size=32"]).config.network.image_size == 32


def test_a_stage_that_the_network_does_not_have_cannot_be_frozen(mistakes):
    (line,) = mistakes("network=resnet34", "method.freeze=layr3")
    stages = "stem, layer1, layer2, layer3, layer4"
    known = f"method.freeze=layr3: resnet34 has no such stage; there are: none, backbone, {stages}; did you mean '"
    assert line == f"{known}layer3'?"
    assert compose(["network=mobilenet_v2", "method.freeze=features.3"]).config.method.freeze == "features.3"


def test_a_network_that_is_not_ours_is_for_the_torch_engine(mistakes):
    (line,) = mistakes("network.name=resnt18", "engine=cntk")
    assert line == (
        "network.name=resnt18: engine=cntk has alexnet, resnet18, resnet34, resnet50, resnet101, resnet152, "
        "mobilenet_v2; other names are timm's models, for engine=torch; did you mean 'resnet18'?"
    )
    (line,) = mistakes("network=timm", "network.name=convnext_tiny", "engine=cntk", "method=featurize")
    assert line.startswith("network.name=convnext_tiny: engine=cntk has alexnet, ")


def test_any_of_timms_networks_is_chosen_by_its_name(mistakes):
    assert compose(["network=timm", "network.name=convnext_tiny", "engine=torch"]).config.network.dropout == 0
    (line,) = mistakes("network=timm", "network.name=convnxt_tiny", "engine=torch")
    assert line.startswith("network.name=convnxt_tiny: timm has no such model; the nearest: convnext_tiny, ")
    (line,) = mistakes("network=timm", "engine=torch")
    assert line.startswith("network.name is required: ")


def test_published_weights_are_of_our_own_networks(mistakes):
    (line,) = mistakes("network=timm", "network.name=convnext_tiny", "engine=torch", "network.weights=imagenet")
    assert line == (
        "network.weights=imagenet: there are none that can be verified for timm's models: none, a .safetensors or "
        ".pth file, or a run"
    )


def test_weights_are_known_by_name_or_there(mistakes, tmp_path):
    assert mistakes("network.weights=imagnet") == [
        "network.weights=imagnet: must be none, imagenet, or an existing .safetensors or .pth file or run directory"
    ]
    for named in ("none", "imagenet", str(tmp_path)):
        assert compose([f"network.weights={named}"]).config.network.weights == named


@pytest.mark.parametrize("rule", ["0.3", "youden", '"sensitivity>=0.95"', '"cost(fn=10,fp=1)"'])
def test_an_operating_point_is_a_threshold_or_a_rule(rule):
    assert compose([f"evaluation.operating_point={rule}"]).config.evaluation.operating_point


def test_an_operating_point_that_cannot_be_read_says_what_can(mistakes):
    (line,) = mistakes("evaluation.operating_point=youdem")
    assert line.startswith("evaluation.operating_point=youdem: must be a threshold such as 0.5, sensitivity>=0.95,")
    (line,) = mistakes("evaluation.operating_point=2")
    assert line == "evaluation.operating_point=2: a threshold must be above 0 and below 1"
    (line,) = mistakes("evaluation.operating_point=[1]")
    assert line == "evaluation.operating_point=[1]: must be text or a number, not a list"


def test_a_rule_needs_two_classes(mistakes):
    (line,) = mistakes("dataset.classes=[a,b,c]", "evaluation.operating_point=youden")
    assert line.startswith("evaluation.operating_point=youden: needs two classes, not 3")
    assert compose(["dataset.classes=[a,b,c]"]).config.evaluation.operating_point == 0.5


@pytest.mark.parametrize("edges", ["[60,30]", "[30,30]", "[]"])
def test_the_edges_of_bands_rise(edges, mistakes):
    (line,) = mistakes(f"evaluation.subgroups={{age: {edges}}}")
    assert "must be the rising edges of bands, e.g. [30, 45, 60], or null" in line


def test_a_column_is_named_once(mistakes):
    (line,) = mistakes("evaluation.subgroups=[sex,sex]")
    assert line == "evaluation.subgroups=[sex,sex]: names sex more than once"


def test_no_channel_is_divided_by_zero(mistakes):
    assert mistakes("network.std=[1,0,1]") == ["network.std=[1,0,1]: each must be greater than 0"]


def test_an_optimizer_that_the_engine_lacks_names_what_it_has_and_who_has_it(mistakes, monkeypatch):
    monkeypatch.setattr("skinlab.config.rules.OPTIMIZERS", {"cntk": ("sgd", "adam"), "other": ("sgd", "adamw")})
    assert mistakes("optimizer=adamw") == [
        "conf/optimizer/adamw.yaml: optimizer.name=adamw: engine=cntk has sgd, adam; engine=other has adamw"
    ]


def test_cntk_has_all_optimizers_but_adamw(mistakes):
    for name in ("sgd", "momentum_sgd", "nesterov", "adam", "rmsprop", "adagrad"):
        assert compose([f"optimizer={name}", "engine=cntk"]).config.optimizer.name == name
    (line,) = mistakes("optimizer=adamw", "engine=cntk")
    assert "engine=cntk has sgd, momentum_sgd, nesterov, adam, rmsprop, adagrad; " in line


def test_every_worker_gets_an_image_of_a_minibatch(mistakes):
    assert mistakes("engine.workers=5", "optimizer.minibatch_size=4") == [
        "engine.workers=5: must be at most optimizer.minibatch_size=4: each worker needs an image of a minibatch"
    ]


def test_several_workers_are_for_the_cpu(mistakes):
    assert mistakes("engine.workers=2", "engine.device=gpu") == [
        "engine.workers=2: several workers compute on the CPU: leave out engine.device=gpu"
    ]


def test_the_range_of_rates_rises(mistakes):
    assert mistakes("lr_find.lowest=1") == ["lr_find.lowest=1: must be below lr_find.highest=1"]


@pytest.mark.parametrize(
    ("sink", "package", "extra"),
    [("tensorboard", "tensorboard", "tracking"), ("mlflow", "mlflow", "tracking"), ("azureml", "mlflow", "azureml")],
)
def test_a_sink_that_is_not_installed_says_what_to_install(mistakes, monkeypatch, sink, package, extra):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    address = ["tracking.azureml.uri=azureml://host/mlflow"] if sink == "azureml" else []
    (line,) = mistakes(f"tracking={sink}", *address)
    assert line.startswith(("conf/tracking/", "tracking.azureml.uri="))
    assert line.endswith(f": {package} is not installed; pip install 'skinlab[{extra}]'")


@pytest.mark.parametrize(
    ("uri", "what"),
    [
        ("outputs/mlflow", "must be a server, http://HOST:PORT, or a store, sqlite:///FILE"),
        ("ftp://host", "must be a server, http://HOST:PORT, or a store, sqlite:///FILE"),
        ("http://[host", "must be a server, http://HOST:PORT, or a store, sqlite:///FILE"),
        (
            "https://ann:secret@host",
            "holds a password, which would be kept with every run: use MLFLOW_TRACKING_PASSWORD or ~/.pgpass",
        ),
    ],
)
def test_an_address_of_mlflow_is_one_that_can_be_kept(mistakes, uri, what):
    pytest.importorskip("mlflow", reason="needs mlflow")
    assert mistakes("tracking=mlflow", f"tracking.mlflow.uri='{uri}'") == [f"tracking.mlflow.uri='{uri}': {what}"]


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "builtins.eval",
        "albumentations",
        "albumentations.",
        "albumentations.os.system",
        "albumentations.core.composition.Compose",
        "albumentations.check_for_updates",
        "albumentationsx.HorizontalFlip",
        "Albumentations.HorizontalFlip",
        "albumentations.Horizontal Flip",
        "skinlab.augmentations",
        "skinlab.augmentations.Compose",
        "skinlab.augmentations.Hair.mro",
        "skinlab.augmentations.hair.Hair",
        "skinlab.augmentations.overlay.np.fromfile",
        "skinlab.files.write_text",
        "",
    ],
)
def test_targets_outside_the_allow_list_are_refused(target):
    assert package_of(target) is None


def test_a_refused_target_is_named_with_its_place(mistakes, tmp_path):
    override = transforms("{_target_: os.system, command: ls}")
    assert mistakes(override) == [
        (
            f"{override}: augmentation.transforms.0._target_=os.system: is not allowed: {ALLOWED}; "
            f"your own packages: allowed_targets in {tmp_path}/home/settings.toml"
        )
    ]


def test_nested_targets_are_found_in_keys_and_lists(mistakes):
    nested = "{_target_: albumentations.OneOf, transforms: [{_target_: os.remove}], p: {x: {_target_: os.rmdir}}}"
    lines = mistakes(transforms(nested))
    assert [line.split(": augmentation")[1].split(":")[0] for line in lines] == [
        ".transforms.0.transforms.0._target_=os.remove",
        ".transforms.0.p.x._target_=os.rmdir",
    ]


def test_a_target_cannot_hide_behind_an_interpolation(mistakes):
    lines = mistakes("name=os.system", transforms("{_target_: ${name}}"))
    assert "_target_=os.system: is not allowed" in lines[0]


def test_a_target_that_is_no_text_is_refused(mistakes):
    (line,) = mistakes(transforms("{_target_: [os.system]}"))
    assert "is not allowed" in line


def test_a_transform_needs_a_target(mistakes):
    (line,) = mistakes(transforms("{p: 1}"))
    assert line.endswith(
        "augmentation.transforms.0={p: 1}: needs a `_target_`, e.g. _target_: albumentations.HorizontalFlip"
    )


def settings(tmp_path, text):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "settings.toml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("prefix", ["mylab", "mylab.", "mylab.Spots"])
def test_the_users_own_settings_allow_more(prefix, tmp_path):
    settings(tmp_path, f'allowed_targets = ["{prefix}"]')
    compose([transforms("{_target_: mylab.Spots}")])


def test_settings_that_allow_one_package_do_not_allow_another(tmp_path, mistakes):
    settings(tmp_path, 'allowed_targets = ["mylab"]')
    (line,) = mistakes(transforms("{_target_: mylabs.Spots}"))
    assert "is not allowed" in line


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("allowed_targets = [", "cannot be read as TOML"),
        ('allowed_targets = "mylab"', "must be a list of package names"),
        ('allowed_targets = [""]', "must be a list of package names"),
    ],
)
def test_settings_that_cannot_be_understood_are_named(text, what, tmp_path):
    settings(tmp_path, text)
    with pytest.raises(ConfigError, match=what) as caught:
        compose([])
    assert str(tmp_path / "home" / "settings.toml") in str(caught.value)


def test_a_declaration_cannot_widen_the_list(mistakes):
    lines = mistakes("allowed_targets=[os]", transforms("{_target_: os.system}"))
    assert "no key 'allowed_targets'" in lines[0]


def test_copies_need_something_that_changes_them(mistakes):
    assert compose(["augmentation.copies=3"]).config.augmentation.copies == 3
    assert mistakes("augmentation=none", "augmentation.copies=3") == [
        "augmentation.copies=3: copies would be the image itself: augmentation=none has no transforms"
    ]


def test_imbalance_is_corrected_once(mistakes):
    for key in ("sampling", "class_weights"):
        compose([f"training.{key}=balanced"])
    (line,) = mistakes("training.sampling=balanced", "training.class_weights=balanced")
    assert line.startswith("training.sampling=balanced: corrects the imbalance a second time")
    assert line.endswith("set one of them")


def test_classes_may_merge_labels_in_the_order_declared():
    config = compose(
        ["dataset.classes={malignant: [mel, bcc], benign: [nv]}", "dataset.positive_class=malignant"]
    ).config
    assert list(config.dataset.classes.items()) == [("malignant", ["mel", "bcc"]), ("benign", ["nv"])]


@pytest.mark.parametrize(
    ("classes", "line"),
    [
        ("{a: [x, y], b: [y]}", "y is named 2 times (a, b): it can be of one class only"),
        ("{a: [x, x], b: [y]}", "x is named 2 times (a, a): it can be of one class only"),
        ("{a: [x]}", "must be at least two different class names"),
        ("{a: x, b: [y]}", "dataset.classes.a=x: must be a list of texts, not text"),
        ("{a: [], b: [y]}", "dataset.classes.a=[]: is empty: name what belongs to this class"),
        ("{a: [1], b: [y]}", "dataset.classes.a.0=1: must be text, not a whole number; quote it: '\"1\"'"),
        ("{1: [x], b: [y]}", "name 1 must be text; quote it"),
    ],
)
def test_a_mapping_of_classes_that_cannot_be_meant_is_refused(classes, line, mistakes):
    assert mistakes(f"dataset.classes={classes}") == [f"dataset.classes={classes}: {line}"]


def test_the_positive_class_is_a_merged_class_not_a_label(mistakes):
    assert mistakes("dataset.classes={m: [mel], b: [nv]}", "dataset.positive_class=mel") == [
        "dataset.positive_class=mel: must be one of dataset.classes: m, b"
    ]


def test_folds_are_counted_from_zero(mistakes):
    compose(["split=kfold", "split.folds=3", "split.fold=2"])
    assert mistakes("split=kfold", "split.folds=3", "split.fold=3") == [
        "split.fold=3: must be at most 2: folds are counted from 0, and split.folds=3"
    ]


def test_a_value_of_a_column_stands_for_one_subset(mistakes):
    assert mistakes("split=column", "split.column=part", "split.values.train=[train,val]") == [
        "split.values.train=[train,val]: val is named 2 times (train, validation): it can be of one subset only"
    ]


def test_validation_comes_from_the_column_or_from_training(mistakes):
    column = ["split=column", "split.column=part", "split.values.validation=[]"]
    compose([*column, "split.validation=0.2"])
    (line,) = mistakes(*column)
    assert line.startswith("split.values.validation=[]: is empty: name the values for validation, or set")


@pytest.mark.parametrize("subset", ["train", "test"])
def test_training_and_test_need_a_value(subset, mistakes):
    (line,) = mistakes("split=column", "split.column=part", f"split.values.{subset}=[]")
    assert line.startswith(f"split.values.{subset}=[]: is empty")


@pytest.mark.parametrize("revision", ["none", "abcd", "0123456789ab", "f" * 64])
def test_a_label_revision_is_none_or_the_beginning_of_a_hash(revision):
    assert compose([f"dataset.label_revision='{revision}'"]).config.dataset.label_revision == revision


@pytest.mark.parametrize("revision", ["abc", "newest", "f" * 65, "ABCD"])
def test_anything_else_is_no_label_revision(revision, mistakes):
    (line,) = mistakes(f"dataset.label_revision={revision}")
    assert "must be none, or the first 4 or more digits of a revision" in line


def test_an_engine_whose_packages_are_missing_is_refused(mistakes, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    (line,) = mistakes("engine=torch")
    assert line == (
        "conf/engine/torch.yaml: engine.name=torch: "
        "torch and lightning-fabric are not installed; pip install skinlab[torch]"
    )


@pytest.mark.parametrize("name", ["''", "a/b", "..", "-a", "a b", "x" * 65])
def test_the_name_of_a_deployment_is_fit_for_a_folder_and_an_address(name, mistakes):
    (line,) = mistakes(f"deployment.name={name}")
    assert "must be 1 to 64 letters, digits, - or _" in line


def test_without_keys_only_this_machine_is_listened_to(mistakes):
    (line,) = mistakes("deployment.auth=none", "deployment.host=0.0.0.0")
    assert "leaves 0.0.0.0 open to everybody" in line
    assert compose(["deployment.auth=none"]).config.deployment.auth == "none"


@pytest.mark.parametrize(("choice", "key"), [("azureml_online", "endpoint"), ("azureml_aci", "service")])
@pytest.mark.parametrize("name", ["ab", "-abc", "abc-", "a_bc", "x" * 33, "1abc"])
def test_the_name_in_azure_is_one_that_azure_takes(name, choice, key, mistakes):
    place = ["deployment.subscription=s", "deployment.resource_group=g", "deployment.workspace=w"]
    (line,) = mistakes(f"deployment={choice}", *place, f"deployment.{key}='{name}'")
    assert "letters, digits or -, begin with a letter and not end with -" in line


def test_the_target_of_a_deployment_follows_from_its_group(mistakes):
    assert mistakes("deployment.target=local") == [
        "deployment.target=local: follows the choice from the group; write deployment=local"
    ]
