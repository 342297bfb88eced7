"""The range of every numeric setting, of RecBole's by its documentation, and of the words that name columns."""

from typing import Any

from recbole_ext.config.keys.schema import (
    Kind,
    between,
    integer,
    integers,
    is_number,
    number,
    numbers,
    one_of,
    positive,
    share,
    size,
    word,
)

AUTO = "auto"
"""`train_batch_size` by the number of training rows: see pipeline/batch_size.py."""
_LARGEST_SEED = 2**32 - 1
"""NumPy takes no larger one."""
_MOST_PROCESSES = 1024
_SIZES = """eval_batch_size MAX_ITEM_LIST_LENGTH eval_step accumulate_batches keep_checkpoints
    hidden_size embedding_size inner_size n_heads num_heads num_layers n_layers d_state d_conv expand
    s5_state_size head_dim n_negatives implicit_set_size set_embedding_size set_hidden_size attention_size
    block_num class_num context_hops conv_kernel_size cross_layer_num depth expert_num gcn_output_dim
    hidden_dimension high_order history_len history_num_per_term hyper_layers interest_size item_agg_layer
    item_embedding_size k k_interests kernel_size kfac kg_embedding_size kge_interval latent_dimension
    lightgcn_layer low_rank m_step mf_embedding_size mlp_embedding_size n_cate n_factors n_hop n_hops n_iter
    n_iterations n_memory neigh_embedding_size neigh_num neighbor_sample_size nh num_basis_functions num_clusters
    num_conv_kernel nv order order_len pool_kernel_size prototype_size rank save_step short_item_length step steps
    t_depth topk_factor train_kg_step train_rec_step ui_embedding_size user_embedding_size weight_size""".split()
_COUNTS = """stopping_step nan_retries plateau_patience rows_per_history ecn_layers lcn_layers warm_up_step
    anneal_steps total_anneal_steps vae_anneal_steps sampling_steps pretrain_epochs n_dec_epochs n_enc_epochs
    high_layers_num low_layers_num token_num_threhold num_feature_field tested_users""".split()
_POSITIVE = """eval_memory_gb gap_unit max_step dt_min dt_max temperature tau ssl_tau
    ssl_temp""".split()
_NOT_NEGATIVE = """weight_decay min_delta save_seconds hang_seconds price_per_hour budget budget_hours
    ffn_multiplier negative_alpha embedding_l2 set_kl_weight initializer_range layer_norm_eps reg_weight_1
    reg_weight_2 lambda1 lambda2 kg_weight ls_weight ssl_reg ssl_weight proto_reg sim_regularity shrink cor_weight
    align_weight aap_weight mip_weight map_weight sp_weight second_order_loss_weight noise_scale noise_min
    noise_max negative_weight tail_ratio""".split()
_DROPPED = """dropout_prob set_dropout_prob hidden_dropout_prob attn_dropout_prob dropout item_dropout mess_dropout
    mess_dropout_rate message_dropout node_dropout node_dropout_rate sess_dropout drop_ratio drop_ex drop_im drop_path
    label_smoothing window_overlap item_vectors_dropout""".split()
_FRACTIONS = """gbce_calibration mask_ratio corruption_ratio ft_ratio global_ratio l1_ratio reg_loss_ratio
    anneal_cap vae_anneal_cap""".split()
_LISTS_OF_SIZES = """hidden_size_list cin_layer_size cnn_channels cnn_kernels cnn_strides critic_layers
    dilations dims_dnn encoder_hidden_size in_dims item_hidden_size_list layers order_list out_dims t_cin
    user_hidden_size_list""".split()
_COLUMNS = """USER_ID_FIELD ITEM_ID_FIELD RATING_FIELD LABEL_FIELD ITEM_LIST_LENGTH_FIELD LIST_SUFFIX NEG_PREFIX
    HEAD_ENTITY_ID_FIELD TAIL_ENTITY_ID_FIELD RELATION_ID_FIELD ENTITY_ID_FIELD""".split()


def _weights(value: Any) -> str | None:
    """One weight, or in HGN and SHAN a list of them."""
    return (numbers(number(0)) if isinstance(value, list) else number(0))(value)


def _rate(value: Any) -> str | None:
    """Above 0; a step of Adam with more overflows single precision."""
    return positive(value) or between(0, 1e30)(value)


def _batch_size(value: Any) -> str | None:
    """Rows per step, or `auto`."""
    return None if value == AUTO or size(value) is None else f"must be auto or an integer of at least 1 (got {value!r})"


RANGES: dict[str, Kind] = {
    "train_batch_size": _batch_size,
    "learning_rate": _rate,
    **dict.fromkeys(_SIZES, size),
    **dict.fromkeys(_COUNTS, integer(0)),
    **dict.fromkeys(("seed", "split_seed", "candidate_seed"), integer(0, _LARGEST_SEED)),
    **dict.fromkeys(("worker", "torch_threads"), integer(0, _MOST_PROCESSES)),
    "metric_decimal_place": integer(0, 15),
    **dict.fromkeys(_POSITIVE, positive),
    **dict.fromkeys(_NOT_NEGATIVE, number(0)),
    **dict.fromkeys(_DROPPED, share),
    **dict.fromkeys(_FRACTIONS, between(0, 1)),
    "time_zone_hours": between(-24, 24),
    **dict.fromkeys(_LISTS_OF_SIZES, integers(1)),
    "dropout_probs": numbers(share),
    "rating_scale": numbers(number()),
    "reg_weight": _weights,
    **dict.fromkeys(("reg_weights", "mixture_weights"), numbers(number(0))),
    **dict.fromkeys(_COLUMNS, word),
    "hidden_act": one_of("gelu", "relu", "swish", "tanh", "sigmoid"),
}
"""Key -> what its value may be; a number of any other key is finite and fits 64 bits."""


def range_fault(key: str, value: Any) -> str | None:
    """What is wrong with a value of the declared type; None where it is right.

    Args:
        key: of RecBole, of this package, or of one of their models: a class of the user may mean other things by it.
        value: not None.
    """
    kind = RANGES.get(key)
    if kind is not None:
        return kind(value)
    return _finite(value) if is_number(value) else None


def _finite(value: int | float) -> str | None:
    return integer(-(2**63), 2**63 - 1)(value) if isinstance(value, int) else number()(value)
