"""Published data sets by name, on small imitations of what is published, with the published names of columns and files.

The layouts are those of the addresses in conf/dataset/*.yaml.
"""

import logging
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skinlab.config import compose
from skinlab.data.manifest import GIVEN_SPLIT, WITHOUT_ROW
from skinlab.data.prepare import Prepared, prepare
from skinlab.errors import DataError
from tests.data.data_builders import encoded, holdout_split, noise_image

Layout = Mapping[str, str | None]
"""Content of each file by its name; None: an image."""


@pytest.fixture
def laid_out(tmp_path: Path) -> Callable[[Layout], Path]:
    def make(layout: Layout) -> Path:
        root = tmp_path / "set"
        for seed, (name, text) in enumerate(layout.items()):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                noise_image(seed).save(root / name)
            else:
                (root / name).write_text(text, encoding="utf-8")
        return root

    return make


def known(name: str, path: Path, *overrides: str, split: bool = False) -> Prepared:
    """The set as `dataset=NAME dataset.path=PATH` prepares it."""
    dataset = compose([f"dataset={name}", f"dataset.path='{path}'", *overrides]).config.dataset
    return prepare(dataset, holdout_split(validation=0.3) if split else None, 16, least_classes=1)


def rows(prepared: Prepared) -> dict[str, tuple[str, str | None]]:
    manifest = prepared.manifest
    return {
        image: (label, group)
        for image, label, group in zip(manifest.image_ids, manifest.labels, manifest.groups, strict=True)
    }


def subsets(prepared: Prepared) -> dict[str, str]:
    return dict(zip(prepared.manifest.image_ids, prepared.subsets, strict=True))


def positive(prepared: Prepared) -> str:
    return prepared.classes[prepared.positive]


HAM = {
    "HAM10000_metadata.tab": (
        'lesion_id\timage_id\tdx\tdx_type\tage\tsex\tlocalization\n"HAM_1"\t"ISIC_1"\t"mel"\t"histo"\t50\t"male"\t"back"\n'
        '"HAM_1"\t"ISIC_2"\t"mel"\t"histo"\t50\t"male"\t"back"\n"HAM_2"\t"ISIC_3"\t"vasc"\t"consensus"\t\t""\t"face"\n'
    ),
    "HAM10000_images_part_1/ISIC_1.jpg": None,
    "HAM10000_images_part_1/ISIC_2.jpg": None,
    "HAM10000_images_part_2/ISIC_3.jpg": None,
}
MILK = {
    "MILK10k_Training_GroundTruth.csv": (
        "lesion_id,AKIEC,BCC,BEN_OTH,BKL,DF,INF,MAL_OTH,MEL,NV,SCCKA,VASC\n"
        "IL_0000652,0.0,1.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0\n"
        "IL_0003176,0.0,0.0,0.0,0.0,0.0,0.0,0.0,1.0,0.0,0.0,0.0\n"
    ),
    "MILK10k_Training_Metadata.csv": (
        "lesion_id,image_type,isic_id,attribution,copyright_license,image_manipulation,age_approx,sex,skin_tone_class,"
        "site\n"
        "IL_0000652,clinical: close-up,ISIC_8149219,MILK study team,CC-BY-NC,instrument only,70.0,male,3,head\n"
        "IL_0000652,dermoscopic,ISIC_4671410,MILK study team,CC-BY-NC,instrument only,70.0,male,3,head\n"
        "IL_0003176,clinical: close-up,ISIC_6797370,MILK study team,CC-BY-NC,,60.0,female,3,trunk\n"
        "IL_0003176,dermoscopic,ISIC_3551785,MILK study team,CC-BY-NC,,60.0,female,3,trunk\n"
    ),
    "MILK10k_Training_Input/IL_0000652/ISIC_8149219.jpg": None,
    "MILK10k_Training_Input/IL_0000652/ISIC_4671410.jpg": None,
    "MILK10k_Training_Input/IL_0003176/ISIC_6797370.jpg": None,
    "MILK10k_Training_Input/IL_0003176/ISIC_3551785.jpg": None,
    "MILK10k_Test_Input/IL_0000001/ISIC_0000001.jpg": None,
}
BCN = {
    "bcn_20k_train.csv": (
        "bcn_filename,age_approx,anatom_site_general,diagnosis,lesion_id,capture_date,sex,split\n"
        "BCN_0000000001.jpg,55.0,anterior torso,MEL,BCN_0003884,2012-05-16,male,train\n"
        "BCN_0000000003.jpg,50.0,anterior torso,MEL,BCN_0003884,2012-05-16,female,train\n"
        "BCN_0000000004.jpg,85.0,head/neck,SCC,BCN_0003885,2015-10-05,female,train\n"
    ),
    "bcn_20k_test.csv": "bcn_filename,age_approx,anatom_site_general,sex,split\nBCN_0000000009.jpg,40,,male,test\n",
    "BCN_20k_train/bcn_20k_train/BCN_0000000001.jpg": None,
    "BCN_20k_train/bcn_20k_train/BCN_0000000003.jpg": None,
    "BCN_20k_train/bcn_20k_train/BCN_0000000004.jpg": None,
    "BCN_20k_test/bcn_20k_test/BCN_0000000009.jpg": None,
}
PAD_HEADER = (
    "patient_id,lesion_id,smoke,drink,background_father,background_mother,age,pesticide,gender,skin_cancer_history,"
    "cancer_history,has_piped_water,has_sewage_system,fitspatrick,region,diameter_1,diameter_2,diagnostic,itch,grew,"
    "hurt,changed,bleed,elevation,img_id,biopsed\n"
)
PAD = {
    "metadata.csv": PAD_HEADER
    + "PAT_46,881,False,False,POMERANIA,POMERANIA,55,False,FEMALE,True,True,True,True,3.0,NECK,6.0,5.0,BCC,True,True,"
    "False,True,True,True,PAT_46_881_939.png,True\n"
    + "PAT_46,882,,,,,55,,,,,,,,NECK,,,MEL,False,False,False,False,False,False,PAT_46_882_14.png,True\n"
    + "PAT_47,883,,,,,8,,,,,,,,ARM,,,NEV,False,False,False,False,False,False,PAT_47_883_15.png,False\n",
    "images/imgs_part_1/imgs_part_1/PAT_46_881_939.png": None,
    "images/imgs_part_1/imgs_part_1/PAT_46_882_14.png": None,
    "images/imgs_part_2/imgs_part_2/PAT_47_883_15.png": None,
}
HASHES = ("5e82a45bc5d78bd24ae9202d194423f8", "fa2911a9b13b6f8af79cb700937cc14f", "6d8103fe00a1d3d5eccdc9ca1c82bf63")
FITZPATRICK = {
    "fitzpatrick17k.csv": (
        "md5hash,fitzpatrick_scale,fitzpatrick_centaur,label,nine_partition_label,three_partition_label,qc,url,"
        "url_alphanum\n"
        f"{HASHES[0]},3,3,drug induced pigmentary changes,inflammatory,non-neoplastic,,https://a.example/1.jpg,a1.jpg\n"
        f"{HASHES[1]},2,3,dermatofibroma,benign dermal,benign,,https://a.example/2.jpg,a2.jpg\n"
        f"{HASHES[2]},-1,2,melanoma,malignant melanoma,malignant,,https://a.example/3.jpg,a3.jpg\n"
    ),
    **{f"data/finalfitz17k/{name}.jpg": None for name in HASHES},
}
DDI = {
    "ddi_metadata.csv": (
        ",DDI_ID,DDI_file,skin_tone,malignant,disease\n0,1,000001.png,56,True,melanoma-in-situ\n"
        "1,2,000002.png,56,False,acne-cystic\n2,3,000003.png,12,True,basal-cell-carcinoma\n"
    ),
    "000001.png": None,
    "images/000002.png": None,
    "000003.png": None,
}
PH2 = {
    "PH2_dataset.txt": (
        "||   Name || Histological Diagnosis || Clinical Diagnosis || Asymmetry | Pigment Network | Dots/Globules | "
        "Streaks | Regression Areas | Blue-Whitish Veil ||           Colors ||\n"
        "|| IMD003 ||                        ||                  0 ||         0 |               T |             A |    "
        "   A |                A |                 A ||                4 ||\n"
        "|| IMD009 ||                        ||                  1 ||         0 |               T |             A |    "
        "   A |                A |                 A ||             3  4 ||\n"
        "|| IMD058 ||               Melanoma ||                  2 ||         2 |              AT |             P |    "
        "   P |                P |                 P ||          1  3  4 ||\n"
        "\n\nLegends:\n\nClinical Diagnosis: 0 - Common Nevus; 1 - Atypical Nevus; 2 - Melanoma.\n"
    ),
    **{
        f"PH2 Dataset images/{name}/{name}_{what}.bmp": None
        for name in ("IMD003", "IMD009", "IMD058")
        for what in (f"Dermoscopic_Image/{name}", f"lesion/{name}_lesion", f"roi/{name}_R1_Label3")
    },
}
DERM7PT_HEADER = (
    "case_num,diagnosis,seven_point_score,pigment_network,streaks,pigmentation,regression_structures,dots_and_globules,"
    "blue_whitish_veil,vascular_structures,level_of_diagnostic_difficulty,elevation,location,sex,clinic,derm,case_id,"
    "management,notes\n"
)


def derm7pt(cases: int, shared: str | None = None) -> dict[str, str | None]:
    """Cases in turn of a melanoma and a nevus; `shared` is a clinical image of the first two."""
    layout: dict[str, str | None] = {}
    lines = []
    for case in range(1, cases + 1):
        diagnosis = "melanoma (in situ)" if case % 2 else "clark nevus"
        derm, clinic = f"NEL/Nel{case:03}.jpg", shared if shared and case <= 2 else f"NEL/NEL{case:03}c.jpg"
        lines.append(f"{case},{diagnosis},1,absent,absent,absent,absent,regular,absent,absent,medium,flat,back,male,")
        lines[-1] += f"{clinic},{derm},NEL{case:03},excision,\n"
        layout |= {f"images/NEL/NEL{case:03}.JPG": None, f"images/{clinic}": None}
    third = cases // 3
    parts = {"train": range(third), "valid": range(third, 2 * third), "test": range(2 * third, cases)}
    tables = {f"meta/{name}_indexes.csv": "indexes\n" + "".join(f"{i}\n" for i in part) for name, part in parts.items()}
    return {"meta/meta.csv": DERM7PT_HEADER + "".join(lines), **tables, **layout}


@pytest.mark.parametrize(
    ("name", "layout", "expected", "positive_class", "without_row"),
    [
        (
            "ham10000",
            HAM,
            {"ISIC_1": ("mel", "HAM_1"), "ISIC_2": ("mel", "HAM_1"), "ISIC_3": ("vasc", "HAM_2")},
            "mel",
            0,
        ),
        (
            "milk10k",
            MILK,
            {
                "ISIC_8149219": ("BCC", "IL_0000652"),
                "ISIC_4671410": ("BCC", "IL_0000652"),
                "ISIC_6797370": ("MEL", "IL_0003176"),
                "ISIC_3551785": ("MEL", "IL_0003176"),
            },
            "MEL",
            0,
        ),
        (
            "bcn20000",
            BCN,
            {
                "BCN_0000000001": ("MEL", "BCN_0003884"),
                "BCN_0000000003": ("MEL", "BCN_0003884"),
                "BCN_0000000004": ("SCC", "BCN_0003885"),
            },
            "MEL",
            0,
        ),
        (
            "pad_ufes_20",
            PAD,
            {
                "PAT_46_881_939": ("BCC", "PAT_46"),
                "PAT_46_882_14": ("MEL", "PAT_46"),
                "PAT_47_883_15": ("NEV", "PAT_47"),
            },
            "MEL",
            0,
        ),
        (
            "fitzpatrick17k",
            FITZPATRICK,
            {HASHES[0]: ("non-neoplastic", None), HASHES[1]: ("benign", None), HASHES[2]: ("malignant", None)},
            "malignant",
            0,
        ),
        (
            "ddi",
            DDI,
            {"000001": ("malignant", None), "000002": ("benign", None), "000003": ("malignant", None)},
            "malignant",
            0,
        ),
        (
            "ph2",
            PH2,
            {"IMD003": ("common nevus", None), "IMD009": ("atypical nevus", None), "IMD058": ("melanoma", None)},
            "melanoma",
            6,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_a_published_set_has_its_labels_groups_and_positive_class(
    laid_out: Callable[[Layout], Path],
    tmp_path: Path,
    name: str,
    layout: Layout,
    expected: dict[str, tuple[str, str | None]],
    positive_class: str,
    without_row: int,
    packed: bool,
) -> None:
    path = laid_out(layout)
    if packed:
        path = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", path))
    prepared = known(name, path)
    assert rows(prepared) == dict(sorted(expected.items()))
    assert positive(prepared) == positive_class
    assert prepared.findings.ignored_files.get(WITHOUT_ROW, 0) == without_row


def test_a_folder_around_the_published_one_makes_no_difference(laid_out: Callable[[Layout], Path]) -> None:
    root = laid_out({f"PH2Dataset/{name}": text for name, text in PH2.items()})
    assert list(rows(known("ph2", root))) == ["IMD003", "IMD009", "IMD058"]


def test_the_table_itself_may_be_the_path(laid_out: Callable[[Layout], Path]) -> None:
    root = laid_out(DDI)
    assert rows(known("ddi", root / "ddi_metadata.csv")) == rows(known("ddi", root))


def test_the_workbook_of_ph2_is_refused_by_name(laid_out: Callable[[Layout], Path]) -> None:
    root = laid_out({**PH2, "PH2_dataset.xlsx": "PK\3\4"})
    (root / "PH2_dataset.txt").unlink()
    for path in (root, root / "PH2_dataset.xlsx"):
        with pytest.raises(DataError, match=r"PH2_dataset\.xlsx is an Excel workbook .* save the table as CSV"):
            known("ph2", path)


def test_an_unknown_code_of_a_diagnosis_is_refused_with_its_image(laid_out: Callable[[Layout], Path]) -> None:
    layout = {**PH2, "PH2_dataset.txt": str(PH2["PH2_dataset.txt"]).replace("||                  2 ||", "|| 3 ||")}
    with pytest.raises(DataError, match=r"1 rows have an unknown Clinical Diagnosis: IMD058 \(3\)"):
        known("ph2", laid_out(layout))


def test_other_columns_may_be_declared(laid_out: Callable[[Layout], Path]) -> None:
    root = laid_out(FITZPATRICK)
    changed = known("fitzpatrick17k", root, "dataset.label_column=nine_partition_label", "dataset.positive_class=null")
    assert rows(changed)[HASHES[2]] == ("malignant melanoma", None)
    lesions = known("pad_ufes_20", laid_out(PAD), "dataset.group_column=lesion_id")
    assert rows(lesions)["PAT_46_881_939"] == ("BCC", "881")


def test_fitzpatrick17k_c_has_a_split_and_leaves_the_other_images(laid_out: Callable[[Layout], Path]) -> None:
    name = "SimThresh_T_A2_T_0.99_0.70_FC_T_All_Out_T_OutThresh_None_0FST_F.csv"
    header = (
        "filepath,filename,diag,fst,partition,md5hash,fitzpatrick,label,nine_partition_label,three_partition_label,qc,"
        "url,url_alphanum,orig_img_name,new_img_name\n"
    )
    layout: dict[str, str | None] = {}
    lines = ""
    for i in range(9):
        part, label = ("train", "valid", "test")[i // 3], ("benign", "malignant", "malignant")[i % 3]
        md5 = f"{i:032x}"
        lines += (
            f"a/a_f3_{i}.jpg,a_f3_{i},a,3,{part},{md5},3,x,y,{label},,https://a.example/{i},{i}.jpg,{md5}.jpg,a.jpg\n"
        )
        layout[f"images/{md5}.jpg"] = None
    prepared = known(
        "fitzpatrick17k_c", laid_out({name: header + lines, **layout, "images/other.jpg": None}), split=True
    )
    assert [subsets(prepared)[f"{i:032x}"] for i in range(9)] == ["train"] * 3 + ["validation"] * 3 + ["test"] * 3
    assert prepared.findings.ignored_files[WITHOUT_ROW] == 1


def test_both_images_of_a_case_of_derm7pt_are_one_group_in_its_published_subset(
    laid_out: Callable[[Layout], Path],
) -> None:
    prepared = known("derm7pt", laid_out(derm7pt(6)), split=True)
    assert rows(prepared)["NEL/Nel001"] == ("melanoma", "1") == rows(prepared)["NEL/NEL001c"]
    assert prepared.manifest.attributes["image_column"][:2] == ["clinic", "clinic"]
    assert subsets(prepared)["NEL/Nel003"] == "validation" == subsets(prepared)["NEL/NEL003c"]
    assert sorted(prepared.subsets) == ["test"] * 4 + ["train"] * 4 + ["validation"] * 4
    assert positive(prepared) == "melanoma"


def test_one_kind_of_image_of_derm7pt_may_be_taken(laid_out: Callable[[Layout], Path]) -> None:
    prepared = known("derm7pt", laid_out(derm7pt(6)), "dataset.image_column=derm", split=True)
    assert len(prepared.manifest) == 6


def test_an_image_of_two_cases_joins_them_and_has_no_label_where_they_disagree(
    laid_out: Callable[[Layout], Path],
) -> None:
    root = laid_out(derm7pt(6, shared="NEL/NELshared.jpg"))
    with pytest.raises(DataError, match="1 images have no label: NEL/NELshared"):
        known("derm7pt", root)
    prepared = known("derm7pt", root, "dataset.on_missing=drop")
    assert rows(prepared)["NEL/Nel001"][1] == rows(prepared)["NEL/Nel002"][1]
    assert prepared.findings.left_out_labels == {"": 1}


@pytest.mark.parametrize(
    ("indexes", "message"),
    [
        ("indexes\n0\n6\n", "1 values are no numbers of one of 6 rows: 6"),
        ("indexes\n0\n4\n", "1 rows are given to a subset twice: 4"),
        ("indexes,x\n0,1\n", "has other columns than one of row numbers"),
    ],
)
def test_row_numbers_that_cannot_be_right_are_named(
    laid_out: Callable[[Layout], Path], indexes: str, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        known("derm7pt", laid_out({**derm7pt(6), "meta/train_indexes.csv": indexes}))


def challenge(year: str) -> tuple[dict[str, str | None], dict[str, tuple[str, str | None]], str]:
    """Layout, rows of the training images, and the positive class."""
    if year == "2016":
        prefix = "ISBI2016_ISIC_Part3"
        layout = {
            f"{prefix}_Training_GroundTruth.csv": "ISIC_1,benign\nISIC_2,malignant\nISIC_3,malignant\nISIC_4,benign\n",
            f"{prefix}_Test_GroundTruth.csv": "ISIC_8,0.0\nISIC_9,1.0\n",
            **{f"{prefix}_Training_Data/ISIC_{i}.jpg": None for i in (1, 2, 3, 4)},
            **{f"{prefix}_Test_Data/ISIC_{i}.jpg": None for i in (8, 9)},
        }
        return layout, {"ISIC_1": ("benign", None), "ISIC_9": ("malignant", None)}, "malignant"
    if year == "2017":
        header, parts = "image_id,melanoma,seborrheic_keratosis\n", {"Training": (1, 2), "Validation": (4, 5)}
        layout = {}
        for part, (one, other) in {**parts, "Test_v2": (8, 9)}.items():
            layout[f"ISIC-2017_{part}_Part3_GroundTruth.csv"] = header + f"ISIC_{one},0.0,0.0\nISIC_{other},1.0,0.0\n"
            layout |= {f"ISIC-2017_{part}_Data/ISIC_{i}.jpg": None for i in (one, other)}
            layout[f"ISIC-2017_{part}_Data/ISIC-2017_{part}_Data_metadata.csv"] = (
                f"image_id,age_approximate,sex\nISIC_{one},55,female\nISIC_{other},30,unknown\n"
            )
        layout["ISIC-2017_Training_Data/ISIC_1_superpixels.png"] = None
        return layout, {"ISIC_1": ("nevus", None), "ISIC_9": ("melanoma", None)}, "melanoma"
    if year == "2018":
        header, layout = "image,MEL,NV,BCC,AKIEC,BKL,DF,VASC\n", {}
        for part, (one, other) in {"Training": (1, 2), "Validation": (4, 5), "Test": (8, 9)}.items():
            layout[f"ISIC2018_Task3_{part}_GroundTruth/ISIC2018_Task3_{part}_GroundTruth.csv"] = (
                header + f"ISIC_{one},1.0,0.0,0.0,0.0,0.0,0.0,0.0\nISIC_{other},0.0,1.0,0.0,0.0,0.0,0.0,0.0\n"
            )
            layout |= {f"ISIC2018_Task3_{part}_Input/ISIC_{i}.jpg": None for i in (one, other)}
        layout["ISIC2018_Task3_Training_LesionGroupings.csv"] = (
            "image,lesion_id,diagnosis_confirm_type\nISIC_1,HAM_1,histopathology\nISIC_2,HAM_2,serial imaging\n"
        )
        return layout, {"ISIC_1": ("MEL", "HAM_1"), "ISIC_8": ("MEL", None)}, "MEL"
    header = "image,MEL,NV,BCC,AK,BKL,DF,VASC,SCC,UNK"
    layout = {
        "ISIC_2019_Training_GroundTruth.csv": header
        + "\nISIC_1,1.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0\nISIC_2_downsampled,0.0,1.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0\n"
        "ISIC_3,1.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0\nISIC_4,0.0,1.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0\n"
        "ISIC_5,1.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0\n",
        "ISIC_2019_Training_Metadata.csv": (
            "image,age_approx,anatom_site_general,lesion_id,sex\nISIC_1,55.0,torso,MSK4_1,female\n"
            "ISIC_2_downsampled,,,,\nISIC_3,30.0,,MSK4_1,\nISIC_4,30.0,,,\nISIC_5,30.0,,,\n"
        ),
        "ISIC_2019_Test_GroundTruth.csv": header
        + ",score_weight,validation_weight\nISIC_7,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,1.0,1.0,0.0\n"
        "ISIC_8,1.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,1.0,0.0\nISIC_9,0.0,1.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,1.0,0.0\n",
        "ISIC_2019_Test_Metadata.csv": (
            "image,age_approx,anatom_site_general,sex\nISIC_7,1,,\nISIC_8,40.0,,\nISIC_9,,,\n"
        ),
        **{
            f"ISIC_2019_Training_Input/{name}.jpg": None
            for name in ("ISIC_1", "ISIC_2_downsampled", "ISIC_3", "ISIC_4", "ISIC_5")
        },
        **{f"ISIC_2019_Test_Input/ISIC_{i}.jpg": None for i in (7, 8, 9)},
    }
    return layout, {"ISIC_1": ("MEL", "MSK4_1"), "ISIC_2_downsampled": ("NV", None), "ISIC_8": ("MEL", None)}, "MEL"


@pytest.mark.parametrize("year", ["2016", "2017", "2018", "2019"])
def test_a_challenge_with_published_subsets_is_split_by_them(laid_out: Callable[[Layout], Path], year: str) -> None:
    layout, expected, positive_class = challenge(year)
    prepared = known(f"isic{year}", laid_out(layout), split=True)
    assert expected.items() <= rows(prepared).items()
    assert positive(prepared) == positive_class
    placed = subsets(prepared)
    assert {placed["ISIC_8"], placed["ISIC_9"]} == {"test"}
    assert set(prepared.subsets) == {"train", "validation", "test"}
    assert "ISIC_7" not in placed  # of 2019: its label is unseen in training
    assert GIVEN_SPLIT in prepared.manifest.attributes


def test_the_test_images_of_2019_have_their_metadata_too(laid_out: Callable[[Layout], Path]) -> None:
    prepared = known("isic2019", laid_out(challenge("2019")[0]))
    ages = dict(zip(prepared.manifest.image_ids, prepared.manifest.attributes["age_approx"], strict=True))
    assert (ages["ISIC_1"], ages["ISIC_8"]) == ("55.0", "40.0")


def test_the_training_images_of_a_challenge_alone_are_dealt_and_that_is_said(
    laid_out: Callable[[Layout], Path], caplog: pytest.LogCaptureFixture
) -> None:
    layout = {name: text for name, text in challenge("2018")[0].items() if "Training" in name}
    with caplog.at_level(logging.INFO):
        prepared = known("isic2018", laid_out(layout))
    assert "of the published split only train is there, so its images are dealt anew" in caplog.text
    assert list(rows(prepared)) == ["ISIC_1", "ISIC_2"]
    assert not prepared.manifest.given_split


def test_isic_2020_groups_by_patient(laid_out: Callable[[Layout], Path]) -> None:
    table = (
        "image_name,patient_id,lesion_id,sex,age_approx,anatom_site_general_challenge,diagnosis,benign_malignant,target\n"
        "ISIC_1,IP_1,IL_1,male,45.0,head/neck,unknown,benign,0\nISIC_2,IP_1,IL_2,male,45.0,,melanoma,malignant,1\n"
    )
    layout = {"ISIC_2020_Training_GroundTruth_v2.csv": table, "train/ISIC_1.jpg": None, "train/ISIC_2.jpg": None}
    prepared = known("isic2020", laid_out(layout))
    assert rows(prepared) == {"ISIC_1": ("benign", "IP_1"), "ISIC_2": ("malignant", "IP_1")}
    assert positive(prepared) == "malignant"


def test_isic_2024_as_the_challenge_gives_it(laid_out: Callable[[Layout], Path]) -> None:
    prepared = known(
        "isic2024",
        laid_out(
            {
                "ISIC_2024_Training_GroundTruth.csv": "isic_id,malignant\nISIC_1,0.0\nISIC_2,1.0\n",
                "ISIC_2024_Training_Supplement.csv": "isic_id,iddx_full,mel_thick_mm\nISIC_1,Benign,\n",
                "ISIC_2024_Training_Input/metadata.csv": (
                    "isic_id,patient_id,age_approx,sex\nISIC_1,IP_1,60.0,male\nISIC_2,IP_1,60.0,male\n"
                ),
                "ISIC_2024_Training_Input/ISIC_1.jpg": None,
                "ISIC_2024_Training_Input/ISIC_2.jpg": None,
            }
        ),
    )
    assert rows(prepared) == {"ISIC_1": ("benign", "IP_1"), "ISIC_2": ("malignant", "IP_1")}
    assert prepared.manifest.attributes["iddx_full"] == ["Benign", ""]


def test_isic_2024_as_the_competition_gives_it(laid_out: Callable[[Layout], Path]) -> None:
    h5py = pytest.importorskip("h5py", reason="h5py is not installed")
    root = laid_out(
        {
            "train-metadata.csv": (
                "isic_id,target,patient_id,age_approx,sex,lesion_id,iddx_full\n"
                "ISIC_0015670,0,IP_1235828,60.0,male,,Benign\nISIC_0015845,1,IP_8170065,60.0,male,IL_1,Malignant\n"
            ),
            "test-metadata.csv": "isic_id,patient_id\nISIC_0015657,IP_1\n",
        }
    )
    with h5py.File(root / "train-image.hdf5", "w") as file:
        for seed, name in enumerate(("ISIC_0015670", "ISIC_0015845")):
            file[name] = np.void(encoded(noise_image(seed), "JPEG"))
    with h5py.File(root / "test-image.hdf5", "w") as file:
        file["ISIC_0015657"] = np.void(encoded(noise_image(9), "JPEG"))
    prepared = known("isic2024", root)
    assert rows(prepared) == {"ISIC_0015670": ("benign", "IP_1235828"), "ISIC_0015845": ("malignant", "IP_8170065")}
    assert positive(prepared) == "malignant"


@pytest.mark.parametrize("size", [28, 64])
def test_dermamnist_has_its_names_of_classes_and_its_split(tmp_path: Path, size: int) -> None:
    rng = np.random.default_rng(0)
    labels = np.array([[4], [5], [4], [5]], dtype=np.uint8)
    arrays = {
        name: values
        for subset in ("train", "val", "test")
        for name, values in (
            (f"{subset}_images", rng.integers(0, 256, (4, size, size, 3), dtype=np.uint8)),
            (f"{subset}_labels", labels),
        )
    }
    path = tmp_path / "dermamnist.npz"
    np.savez_compressed(path, **arrays)
    prepared = known("dermamnist", path, split=True)
    assert sorted(prepared.classes) == ["melanocytic nevi", "melanoma"]
    assert positive(prepared) == "melanoma"
    assert rows(prepared)["val_0000001"] == ("melanocytic nevi", None)
    assert subsets(prepared)["val_0000001"] == "validation"
    assert sorted(set(prepared.subsets)) == ["test", "train", "validation"]
    stored = np.asarray(Image.open(prepared.manifest.paths[prepared.manifest.image_ids.index("train_0000002")]))
    assert np.array_equal(stored, arrays["train_images"][2])
    assert rows(known("dermamnist", tmp_path)) == rows(prepared)


def test_a_folder_without_the_file_of_dermamnist_or_with_two_is_explained(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no dermamnist\*\.npz: dataset\.path is the folder that holds it"):
        known("dermamnist", tmp_path)
    for name in ("dermamnist.npz", "dermamnist_64.npz"):
        (tmp_path / name).touch()
    with pytest.raises(
        DataError, match=r"has 2 that may be dermamnist\*\.npz: dermamnist\.npz, .*set dataset\.path to one"
    ):
        known("dermamnist", tmp_path)
