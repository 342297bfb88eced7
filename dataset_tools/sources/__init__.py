"""The list of releases that can be converted: name -> description."""

from dataset_tools.sources.movielens_100k import ML_100K
from dataset_tools.sources.movielens_csv import ML_20M, ML_25M, ML_32M, ML_LATEST
from dataset_tools.sources.movielens_dat import ML_1M, ML_10M
from dataset_tools.sources.release import Release
from dataset_tools.sources.taobao import TAOBAO

RELEASES: dict[str, Release] = {
    release.name: release for release in (ML_100K, ML_1M, ML_10M, ML_20M, ML_25M, ML_32M, ML_LATEST, TAOBAO)
}
