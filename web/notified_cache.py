"""A bounded cache that PostgreSQL keeps fresh: a NOTIFY makes every entry too old to be used."""

import threading
import time
from collections.abc import Hashable, Mapping
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class NotifiedCache(Generic[Key, Value]):
    """Values by key, usable for `lifetime` seconds while changes are notified, else for `lifetime_disconnected`.

    A listener (`web.notifications.Listener`) calls `clear` at each change and sets `connected`. Any thread may call any
    method. An entry that is too old stays in memory for `last_known` until newer ones need its place.
    """

    def __init__(self, *, capacity: int, lifetime: float, lifetime_disconnected: float = 0.0) -> None:
        self.capacity = capacity
        self.lifetime, self.lifetime_disconnected = lifetime, lifetime_disconnected
        self.connected = False
        # A number that grows with every change, before a reading begins: see `store`.
        self.generation = 0
        self._entries: dict[Key, tuple[int, float, Value]] = {}
        self._lock = threading.Lock()

    def get(self, key: Key) -> Value:
        """The value in memory; raise KeyError when there is none or it is too old. Never waits."""
        generation, stored_at, value = self._entries[key]
        lifetime = self.lifetime if self.connected else self.lifetime_disconnected
        if generation != self.generation or time.monotonic() - stored_at >= lifetime:
            raise KeyError(key)
        return value

    def last_known(self, key: Key) -> Value:
        """The value in memory, however old; raise KeyError when there is none."""
        return self._entries[key][2]

    def __contains__(self, key: Key) -> bool:
        """Whether there is a value in memory, however old."""
        return key in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def store(self, values: Mapping[Key, Value], generation: int) -> None:
        """Cache what was read since `generation`, unless something changed meanwhile: it may be the older state."""
        now = time.monotonic()
        with self._lock:
            if generation != self.generation:
                return
            for key, value in values.items():
                self._entries.pop(key, None)  # So that the order is that of storing: the oldest leave first.
                self._entries[key] = (generation, now, value)
            while len(self._entries) > self.capacity:
                del self._entries[next(iter(self._entries))]

    def clear(self) -> None:
        """Make every entry too old to be used."""
        with self._lock:
            self.generation += 1
