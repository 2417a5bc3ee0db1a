"""Train on this machine."""

from runctl_core.api import Capabilities, ProviderInfo, hookimpl


@hookimpl
def runctl_provider() -> ProviderInfo:
    """Describe the provider."""
    return ProviderInfo(
        name="local",
        summary="Train on this machine; each training is a resource of its own.",
        factory="runctl_local.provider:LocalProvider",
        capabilities=Capabilities(
            train=True,
            terminate=True,
            list_resources=True,
            transfer=True,
            stop=True,
            status=True,
            logs=True,
            execute=True,
            connect=True,
            find=True,
            train_needs_target=False,
        ),
    )
