"""Proofs: certificates of single points, and of whole sets by branch and prune."""

from fpf_notebook.finder.proof.branch_and_prune import Proof, prove
from fpf_notebook.finder.proof.certificates import Certificates, certify

__all__ = ["Certificates", "Proof", "certify", "prove"]
