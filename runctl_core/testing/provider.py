"""What every provider promises, as far as it declares it."""

from __future__ import annotations

from runctl_core.testing.parts.description import Description
from runctl_core.testing.parts.dry_run import DryRun
from runctl_core.testing.parts.errors import Errors
from runctl_core.testing.parts.lifecycle import Lifecycle
from runctl_core.testing.parts.listing import ListingPart
from runctl_core.testing.parts.training import Training
from runctl_core.testing.parts.transfer import Transfer
from runctl_core.testing.parts.values import Values
from runctl_core.testing.parts.volumes import Volumes


class ProviderContract(
    Description, Lifecycle, ListingPart, Errors, Values, Volumes, Transfer, Training, DryRun
):
    """Inherit it, set ``name``, and override the fixtures whose defaults do not do::

        from runctl_core.testing import ProviderContract

        class TestAcme(ProviderContract):
            name = "acme"

            @pytest.fixture
            def settings(self, tmp_path):
                return AcmeSettings(folder=tmp_path / "cloud")

    Operations that the provider does not declare are not tested.  With a ``world`` and its ``faults``, pages, errors
    and lost answers are; with a ``secret`` in the settings, that it is never shown.
    """
