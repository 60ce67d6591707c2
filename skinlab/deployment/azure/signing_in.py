"""Who we are in Azure: variables, a managed identity, `az login`; nobody is ever asked, and nothing is kept."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.identity import DefaultAzureCredential


def credential() -> "DefaultAzureCredential":
    """What azure-identity finds by itself, without opening a browser."""
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential(exclude_interactive_browser_credential=True)
