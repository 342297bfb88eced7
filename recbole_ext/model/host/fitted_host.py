"""RecBole's NCEPLRec, which is computed as a whole when it is made, and whose loss reads no negative items."""

from recbole.model.general_recommender.nceplrec import NCEPLRec as HostNCEPLRec


class NCEPLRec(HostNCEPLRec):
    """Declares what RecBole's class leaves to its configuration.

    Attributes:
        samples_negatives: whether the loss reads negative items; a model without the attribute follows the settings.
    """

    samples_negatives = False
