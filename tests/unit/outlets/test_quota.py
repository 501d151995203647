"""How much one subject may ask for."""

from tracker.outlets.quota import LimitSettings, Quota


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_a_minute_s_commands_may_come_at_once() -> None:
    """Then one after the other, each subject by itself."""
    clock = Clock()
    quota = Quota(LimitSettings(commands_per_min=6), clock)
    assert [quota.take_command("ann") for _ in range(6)] == [0.0] * 6
    assert quota.take_command("ann") == 10.0
    assert quota.take_command("bob") == 0.0
    clock.now_s += 9
    assert quota.take_command("ann") == 1.0
    clock.now_s += 1
    assert [quota.take_command("ann") for _ in range(2)] == [0.0, 10.0]
    clock.now_s += 1000
    assert [quota.take_command("ann") for _ in range(7)] == [0.0] * 6 + [10.0]


def test_subjects_that_asked_long_ago_are_forgotten() -> None:
    """Those who still count are not."""
    clock = Clock()
    quota = Quota(LimitSettings(commands_per_min=1), clock)
    for number in range(10_000):
        quota.take_command(f"old-{number}")
    clock.now_s += 60
    assert quota.take_command("ann") == 0.0
    assert len(quota._used_until_s) == 1
    assert quota.take_command("ann") == 60.0


def test_sockets_are_counted_by_subject() -> None:
    """One that was refused is not counted, and one that ends makes room."""
    quota = Quota(LimitSettings(sockets_per_subject=2))
    assert [quota.open_socket("ann") for _ in range(3)] == [True, True, False]
    assert quota.open_socket("bob")
    quota.close_socket("ann")
    assert [quota.open_socket("ann") for _ in range(2)] == [True, False]


def test_subscriptions_are_counted_by_subject() -> None:
    """Likewise."""
    quota = Quota(LimitSettings(subscriptions_per_subject=2))
    assert [quota.open_subscription("ann") for _ in range(3)] == [True, True, False]
    assert quota.open_subscription("bob")
    quota.close_subscription("ann")
    assert [quota.open_subscription("ann") for _ in range(2)] == [True, False]


def test_without_settings_nobody_is_counted() -> None:
    """Where nobody says who they are, all would be one."""
    quota = Quota()
    assert not any(quota.take_command("anonymous") for _ in range(10_000))
    assert all(quota.open_socket("anonymous") for _ in range(10_000))
    assert all(quota.open_subscription("anonymous") for _ in range(10_000))
