"""Machines of the ACME cloud."""

from runctl_core.api import Capabilities, ProviderInfo, hookimpl


@hookimpl
def runctl_provider() -> ProviderInfo:
    """Describe the provider."""
    return ProviderInfo(
        name="acme",
        summary="Machines of the ACME cloud.",
        factory="runctl_acme.provider:AcmeProvider",
        settings="runctl_acme.settings:AcmeSettings",
        capabilities=Capabilities(
            create=True,
            train=True,
            terminate=True,
            list_resources=True,
            volumes=True,
            transfer=True,
            stop=True,
            start=True,
            status=True,
            logs=True,
            execute=True,
            price=True,
            find=True,
            connect=True,
        ),
        credential_env=("RUNCTL_ACME_TOKEN",),
    )
