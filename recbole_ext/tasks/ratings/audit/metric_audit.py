"""metric_audit: whether a rating result is plausible, from its predictions and what was reported.

    recbole-ext metric-audit predictions.tsv --train=train.inter --reported="{rmse: 0.60, loss: 0.60}"

Each rule of `audit_rules` returns a finding or nothing. What a mistake prints on ml-100k, the same net each time
(its honest RMSE on test rows: 0.933):

    loss_as_rmse     MSE + KL printed as RMSE                                  0.888
    mse_as_rmse      MSE printed as RMSE                                       0.870
    scaled_targets   ratings scaled to [0, 1]                                  0.233
    means_over_all   user and item means that hold the test rows               0.905
    target_in_input  the rating itself fed to the encoder                      0.083
    ids_remapped     item ids of another numbering than the weights'           1.237
    training_rows    evaluated on rows that were trained on                    0.803
"""

from typing import Any

from recbole_ext.tasks.ratings.audit.evidence import Evidence
from recbole_ext.tasks.ratings.audit.rules import RULES, too_good
from recbole_ext.tasks.ratings.metrics import errors


def metric_audit(evidence: Evidence) -> dict[str, Any]:
    """All measures and findings.

    Returns:
        The `errors` of the clipped predictions, `outside` (predictions beyond the scale), `level`, and `findings`, a
        list of name and text; empty without findings.
    """
    found = evidence.found
    findings = [finding for rule in RULES if (finding := rule(evidence))]
    if not findings and (finding := too_good(evidence)):
        findings = [finding]
    outside = (found.predicted < found.scale[0]) | (found.predicted > found.scale[1])
    return {
        **errors(found.truth, found.clipped),
        "scale": list(found.scale),
        "outside": int(outside.sum()),
        "level": evidence.honest_level,
        "findings": [{"name": finding.name, "text": finding.text} for finding in findings],
    }


def audit_lines(audit: dict[str, Any]) -> list[str]:
    """The audit as printed lines."""
    lines = [
        f"audit       MSE {audit['mse']:.6f}, RMSE {audit['rmse']:.6f}, R2 {audit['r2']:.4f}, correlation "
        f"{audit['correlation']:.4f}; {audit['outside']:,} of {audit['n']:,} predictions beyond the scale "
        f"{audit['scale'][0]:g} to {audit['scale'][1]:g}"
    ]
    lines += [f"FINDING     {finding['name']}: {finding['text']}" for finding in audit["findings"]]
    return lines if audit["findings"] else [*lines, "            no problems found"]
