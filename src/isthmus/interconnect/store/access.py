# SPDX-License-Identifier: Apache-2.0
"""Who may do what in a site's own etcd: its daemon everything, each peer read, nobody else at all.

etcd takes a client's Common Name for the user; a user that is not there is refused.
"""

from __future__ import annotations

from isthmus.interconnect.keys import SHARED_PREFIX
from isthmus.interconnect.store.etcd import range_end
from isthmus.interconnect.store.etcd_api import auth_pb2, rpc_pb2
from isthmus.interconnect.store.etcd_client import EtcdClient
from isthmus.model.errors import StoreRefused

ROOT = "root"
PEER_ROLE = "isthmus-peer"
# etcd has no codes of its own for these.
_AS_IT_SHOULD_BE = ("already exists", "is already granted", "user name not found")


class EtcdAccess:
    """Users and roles of one etcd.

    Args:
        client: as root.
    """

    def __init__(self, client: EtcdClient) -> None:
        self._client = client

    def secure(self) -> None:
        """Let nobody do anything who was not let. Idempotent; root's own rights come first."""
        self._ensure("RoleAdd", rpc_pb2.AuthRoleAddRequest(name=ROOT))
        self._ensure("UserAdd", _user(ROOT))
        self._ensure("UserGrantRole", rpc_pb2.AuthUserGrantRoleRequest(user=ROOT, role=ROOT))
        self._ensure("RoleAdd", rpc_pb2.AuthRoleAddRequest(name=PEER_ROLE))
        permission = auth_pb2.Permission(
            permType=auth_pb2.Permission.READ,
            key=SHARED_PREFIX.encode(),
            range_end=range_end(SHARED_PREFIX.encode()),
        )
        grant = rpc_pb2.AuthRoleGrantPermissionRequest(name=PEER_ROLE, perm=permission)
        self._client.call("Auth", "RoleGrantPermission", grant)
        self._client.call("Auth", "AuthEnable", rpc_pb2.AuthEnableRequest())

    def admit(self, user: str) -> None:
        """Let a peer's certificate read. Idempotent."""
        self._ensure("UserAdd", _user(user))
        grant = rpc_pb2.AuthUserGrantRoleRequest(user=user, role=PEER_ROLE)
        self._ensure("UserGrantRole", grant)

    def expel(self, user: str) -> None:
        """Let a certificate read no more, from its next call on. Idempotent.

        What it watches already it goes on hearing until that connection ends: etcd looks at
        rights only when a watch begins.
        """
        self._ensure("UserDelete", rpc_pb2.AuthUserDeleteRequest(name=user))

    def users(self, prefix: str) -> set[str]:
        """Return the users whose names begin with a prefix."""
        answer = self._client.call("Auth", "UserList", rpc_pb2.AuthUserListRequest())
        return {user for user in answer.users if user.startswith(prefix)}

    def _ensure(self, method: str, request: object) -> None:
        try:
            self._client.call("Auth", method, request)
        except StoreRefused as error:
            text = error.for_operator
            if not any(words in text for words in _AS_IT_SHOULD_BE):
                raise


def _user(name: str) -> rpc_pb2.AuthUserAddRequest:
    return rpc_pb2.AuthUserAddRequest(name=name, options=auth_pb2.UserAddOptions(no_password=True))
