"""What exists: the models of this package, and RecBole's exceptions among its own; a new model adds lines here."""

OWN_MODELS = {
    "SS4Rec": "recbole_ext.model.ss4rec",
    "Mamba4Rec": "recbole_ext.model.mamba4rec",
    "MDAFMamba": "recbole_ext.model.mdafmamba",
    "MDAFBST": "recbole_ext.model.mdafbst",
    "HybridVAE": "recbole_ext.model.hybridvae",
}
OWN_FAMILIES = {"MDAFMamba": "context_aware", "MDAFBST": "context_aware", "HybridVAE": "general"}
"""Families of our models that are not sequential."""
DEFAULT_TASK = "ranking"
TASKS = {"MDAFMamba": "clicks", "MDAFBST": "clicks", "HybridVAE": "ratings"}
"""Models whose task is another; a task is a folder of `recbole_ext/tasks`."""
GROWING = ("SS4Rec", "Mamba4Rec", "HybridVAE")
"""Models of which a run can go on with new users and items (`grows` of the class)."""
READ_TARGET_TIME = ("SS4Rec",)
"""Models that read the time of the event to be predicted, where `use_target_time` allows it."""
READ_ITEM_VECTORS = ("SS4Rec", "Mamba4Rec", "MDAFMamba", "MDAFBST")
"""Models that read vectors of items, see `item_vectors`."""
READ_FIELDS = ("SS4Rec", "Mamba4Rec")
"""Models that read `item_fields` and `event_fields`."""
READ_LAST_PLACE = ("GRU4RecCPR", "SASRecCPR")
"""Models of RecBole that read the state at the last place of a list, whether an event is there or not."""
PARTITIONED = (*READ_LAST_PLACE, "RepeatNet")
"""Models of RecBole that treat items of the list apart in their softmax, and read padding; they have no other loss."""
SETTINGS_MODULES = {
    "HybridVAE": "recbole_ext.model.rating.settings",
    "SS4Rec": "recbole_ext.model.sequence.settings",
}
"""Modules with the `check_settings` of a model; they import neither torch nor RecBole."""
FAMILIES = ("general", "context_aware", "sequential", "knowledge_aware", "exlib")
CLASS_OF_FILE = {"lightgbm": "LightGBM", "xgboost": "XGBoost"}
WITHOUT_PROPERTIES = ("Random",)
CAUSAL_HOSTS = ("causal_host", "reranked_host", "repeating_host")
"""Modules whose models train on all positions of windows."""
ADAPTED = {
    **dict.fromkeys(("SASRec", "GRU4Rec"), "causal_host"),
    **dict.fromkeys(("GCMC", "LightGCN", "NGCF", "SpectralCF"), "bipartite_host"),
    **dict.fromkeys(("KGAT", "KGIN", "MCCLK"), "graph_host"),
    **dict.fromkeys(READ_LAST_PLACE, "reranked_host"),
    "RepeatNet": "repeating_host",
    **dict.fromkeys(("BERT4Rec", "DGCF", "DIEN", "KTUP", "LINE", "S3Rec"), "sampling_host"),
    "FwFM": "field_host",
    "NCEPLRec": "fitted_host",
    "NCL": "ncl_host",
    "Pop": "counting_host",
}
"""RecBole's models that are loaded through a subclass, with its module in `recbole_ext.model.host`."""
