"""Every provider: the name of its settings' section, and what opens an account."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from tracker.domain.terms import Action
from tracker.providers.base import Account, CheckedArchive, Options, refuse_options
from tracker.providers.genesys.source import open_account as open_genesys
from tracker.providers.kazoo.archive import open_archive as open_kazoo_archive
from tracker.providers.kazoo.options import check_options as check_kazoo_options
from tracker.providers.kazoo.source import open_account as open_kazoo_account
from tracker.providers.vonage_business.archive import (
    open_archive as open_vonage_business_archive,
)
from tracker.providers.vonage_business.source import (
    open_account as open_vonage_business_account,
)
from tracker.providers.vonage_cc.source import open_account as open_vonage_cc

Opener = Callable[[Any], AbstractAsyncContextManager[Account]]

PROVIDERS: Final[Mapping[str, Opener]] = {
    "genesys": open_genesys,
    "vonage_cc": open_vonage_cc,
    "vonage_business": open_vonage_business_account,
    "kazoo": open_kazoo_account,
}

OptionsChecker = Callable[[Action, Options, Any], None]

OPTIONS: Final[Mapping[str, OptionsChecker]] = {
    "genesys": refuse_options,
    "vonage_cc": refuse_options,
    "kazoo": check_kazoo_options,
}
"""Those that take commands: what looks at the options, by the account's settings."""

ArchiveOpener = Callable[[Any], AbstractAsyncContextManager[CheckedArchive]]

ARCHIVES: Final[Mapping[str, ArchiveOpener]] = {
    "vonage_business": open_vonage_business_archive,
    "kazoo": open_kazoo_archive,
}
"""Those with stored recordings."""
