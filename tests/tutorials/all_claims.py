"""The claims of all tutorials."""

from tests.tutorials import claims_of_1_to_5 as first
from tests.tutorials import claims_of_6_to_9 as second

CLAIMS = {**first.CLAIMS, **second.CLAIMS}
for stem in ("01_what_is_a_fixed_point", "06_reading_a_jacobian", "widgets"):
    CLAIMS[stem] = []
