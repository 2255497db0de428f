"""The claims of all tutorials."""

from tests.tutorials import claims_of_1_to_5 as first
from tests.tutorials import claims_of_6_to_9 as second
from tests.tutorials import claims_of_10 as third

CLAIMS = {**first.CLAIMS, **second.CLAIMS, **third.CLAIMS}
