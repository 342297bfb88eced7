import torch

from recbole_ext.model.rating.kl_record import KlRecord


def add(record: KlRecord, seed: int) -> None:
    torch.manual_seed(seed)
    record.add(torch.rand(()), torch.rand(()), torch.rand(4, 2), torch.randn(4, 2))


def test_a_record_put_back_within_an_epoch_ends_like_one_that_was_never_away() -> None:
    whole, first, second = KlRecord(), KlRecord(), KlRecord()
    for seed in range(3):
        add(whole, seed)
    add(first, 0)
    kept = first.state_dict()
    add(first, 9)  # batches after the state was kept do not count
    add(second, 8)  # nor what a new record held
    second.load_state_dict(kept)
    for seed in (1, 2):
        add(second, seed)
    assert second.columns() == whole.columns()
    assert KlRecord().columns() == {}
