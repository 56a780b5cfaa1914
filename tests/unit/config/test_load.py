# SPDX-License-Identifier: GPL-2.0-only
"""The configuration file: what it says, and what is refused with the line that is at fault."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netvsc_bpf.config.keys import as_toml
from netvsc_bpf.config.load import load, parse, without_file
from netvsc_bpf.manager.state.announce_policy import AnnouncePolicy
from netvsc_bpf.manager.state.config import ManagerConfig
from netvsc_bpf.metrics.config import Listen, MetricsConfig
from netvsc_bpf.model.errors import ConfigError
from netvsc_bpf.model.path import GuardMode, LeavePolicy, Liveness, ReturnPolicy, RxMode
from netvsc_bpf.planner.probe_policy import ProbePolicy

FILE = Path("/etc/netvsc-bpf.toml")
EVERYTHING = """\
[manager]
interfaces = ["eth0", "eth1"]
interval_s = 5
step_limit_s = 2.5

[attach]
any_bus = true
settle_ms = 250
rx = "redirect"
guard = "auto"
liveness = "live"

[damping]
half_life_s = 60
suppress = 2000
reuse = 500.0

[announce]
enabled = false
after_s = [0, 0.5]

[metrics]
listen = "[::1]:0"
users = { prometheus = "$2b$12$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" }

[interface.eth1]
vf = "vf7"
settle_ms = 1000
guard = "off"
"""


def test_an_empty_file_asks_for_the_defaults() -> None:
    assert parse("", FILE) == ManagerConfig()


def test_everything_that_it_says_is_taken_over() -> None:
    config = parse(EVERYTHING, FILE)
    assert (config.interfaces, config.interval_s, config.step_limit_s) == (("eth0", "eth1"), 5.0, 2.5)
    assert (config.options.any_bus, config.settle_ms, config.options.settle_ms) == (True, 250, 250)
    options = config.options
    assert (options.rx, options.guard, options.liveness) == (RxMode.REDIRECT, None, Liveness.LIVE)
    damping = config.damping
    assert (damping.half_life_s, damping.suppress, damping.reuse, damping.penalty) == (60, 2000, 500, 1000)
    assert (config.announce.enabled, config.announce.after_s) == (False, (0.0, 0.5))
    assert config.metrics == MetricsConfig(
        Listen("::1", 0),
        users=(("prometheus", "$2b$12$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),),
    )


def test_an_interface_has_its_own_where_it_says_so_and_else_what_holds_for_all() -> None:
    config = parse(EVERYTHING, FILE)
    assert (config.of("eth0").options, config.of("eth0").settle_ms) == (config.options, 250)
    own = config.of("eth1")
    assert (own.options.vf, own.settle_ms, own.options.guard) == ("vf7", 1000, GuardMode.OFF)
    assert (own.options.any_bus, own.options.rx, own.options.liveness) == (
        True,
        RxMode.REDIRECT,
        Liveness.LIVE,
    )


def test_an_interface_may_go_back_to_auto() -> None:
    config = parse('[attach]\nguard = "all"\n[interface.eth0]\nguard = "auto"\n', FILE)
    assert config.of("eth0").options.guard is None


def test_without_settle_time_that_of_attached_pairs_is_kept() -> None:
    assert parse("[interface.eth0]\n", FILE).of("eth0").settle_ms is None


def test_what_becomes_of_a_vf_that_is_not_used_may_differ_for_one_interface() -> None:
    config = parse('[attach]\nleave = "steer"\n[interface.eth0]\nleave = "down"\n', FILE)
    leaves = [config.of(name).options.leave for name in ("eth0", "eth1")]
    assert leaves == [LeavePolicy.DOWN, LeavePolicy.STEER]


@pytest.mark.parametrize(
    "text",
    ["[interface.eth0]\nannounce.addresses = true\n", "[interface.eth0.announce]\naddresses = true\n"],
    ids=["dotted", "table"],
)
def test_s85_addresses_of_one_interface_may_be_announced(text: str) -> None:
    config = parse(f"[announce]\nmost = 7\n{text}[interface.eth1]\n", FILE)
    assert config.of("eth0").announce == AnnouncePolicy(most=7, addresses=True)
    assert config.of("eth1").announce == config.of("eth2").announce == config.announce
    assert parse(text, FILE, {("announce", "addresses"): False}).of("eth0").announce == AnnouncePolicy()


def test_the_command_line_wins_over_every_section() -> None:
    said = {
        ("attach", "settle_ms"): 30,
        ("manager", "interfaces"): ("eth1",),
        ("announce", "enabled"): True,
    }
    config = parse(EVERYTHING, FILE, said)
    assert (config.settle_ms, config.of("eth1").settle_ms, config.interfaces) == (30, 30, ("eth1",))
    assert config.announce.enabled and config.announce.after_s == (0.0, 0.5)
    assert config.of("eth1").options.vf == "vf7"


def test_the_command_line_alone_is_enough() -> None:
    config = without_file({("attach", "any_bus"): True, ("manager", "interval_s"): 1.0})
    assert (config.options.any_bus, config.interval_s) == (True, 1.0)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (
            "[manager]\n\n# a comment\ninterval = 3\n",
            4,
            "[manager] has no key interval; its keys are interfaces,",
        ),
        (
            "[manager]\n[dampling]\n",
            2,
            "unknown section [dampling]; known are [manager], [attach], [damping]",
        ),
        ("[manager]\n[dampling.inner]\nx = 1\n", 2, "unknown section [dampling]"),
        ("interval_s = 3\n", 1, "unknown section [interval_s]"),
        ("\nmanager = 3\n", 2, "manager is a section: write [manager]"),
        ("[[damping]]\npenalty = 1\n", 1, "damping is a section"),
        (
            '[damping]\npenalty = "high"\n',
            2,
            'penalty takes a number, more than 0, at most 1000000000, not "high"',
        ),
        ("[damping]\npenalty = true\n", 2, "not true"),
        ("[damping]\npenalty = nan\n", 2, "not nan"),
        ("[damping]\npenalty = -inf\n", 2, "not -inf"),
        (f"[damping]\npenalty = 1{'0' * 400}\n", 2, "penalty must be at most 1000000000"),
        ("[manager]\ninterval_s = nan\n", 2, "not nan"),
        ("[manager]\ninterval_s = inf\n", 2, "not inf"),
        ("[manager]\ninterval_s = 0\n", 2, "interval_s must be at least 0.1"),
        ("[manager]\nstep_limit_s = -1.5\n", 2, "step_limit_s must be at least 0.1"),
        ("[announce]\nafter_s = [0.1, nan]\n", 2, "not"),
        ("[damping]\npenalty = 0\n", 2, "penalty must be greater than 0, not 0"),
        ("[damping]\nhalf_life_s = 0.5\n", 2, "half_life_s must be at least 1, not 0.5"),
        ("[attach]\nany_bus = 1\n", 2, "any_bus takes true or false, not 1"),
        ("[attach]\nsettle_ms = 9\n", 2, "settle_ms must be at least 10, not 9"),
        ("[attach]\nsettle_ms = 3600001\n", 2, "settle_ms must be at most 3600000, not 3600001"),
        ("[attach]\nsettle_ms = 100.0\n", 2, "settle_ms takes a whole number"),
        ("[attach]\nsettle_ms = 1979-05-27\n", 2, "not a date"),
        (
            '[attach]\nguard = "maybe"\n',
            2,
            'guard takes "auto" or "off" or "multicast" or "all" or "evidence", not "maybe"',
        ),
        ("[attach]\nguard = { off = true }\n", 2, "not a table"),
        ('[attach]\nvf = "vf0"\n', 2, "[attach] has no key vf"),
        ("[announce]\nafter_s = 1\n", 2, "after_s takes a list of numbers"),
        ("[announce]\nafter_s = [\n  0,\n  -1,\n]\nmost = 1\n", 2, "after_s must be at least 0, not -1"),
        ('[manager]\ninterfaces = ["eth0", 3]\n', 2, "interfaces takes a list of strings, not 3"),
        ('[manager]\ninterfaces = ["eth0/1"]\n', 2, 'interfaces must be names of interfaces, not "eth0/1"'),
        ('[manager]\ninterfaces = ["%s"]\n' % ("n" * 128), 2, "must be names of interfaces"),
        ('[manager]\ninterfaces = [""]\n', 2, "must not be empty"),
        ('[interface.eth0]\nliveness = "live"\n', 2, "[interface.eth0] has no key liveness; its keys are vf"),
        ("[interface.eth0]\nvf = 'v'\nannounce.most = 7\n", 3, "[interface.eth0] has no key announce.most"),
        ("[interface.eth0.announce]\n\naddresses = 1\n", 3, "announce.addresses takes true or false, not 1"),
        ("[interface.eth0]\nannounce = 1\n", 2, "[interface.eth0] has no key announce; its keys are vf"),
        ('[interface]\nvf = "vf0"\n', 2, "write [interface.NAME], then vf"),
        ('[interface."no name"]\n', 1, "'no name' is not the name of an interface"),
        ('[interface.eth0]\nvf = "v\\u0007f"\n', 2, "must not be empty or have control characters"),
        ('[manager]\ninterfaces = ["eth0"]\n[interface.eth1]\n', 3, "eth1 is not listed in interfaces"),
        ("[damping]\nsuppress = 100\n", 2, "reuse (2750) must be below suppress (100)"),
        ("[damping]\n\nreuse = 4000\n", 3, "reuse (4000) must be below suppress (3500)"),
        ("[damping]\nreuse = 4000\nsuppress = 3000\n", 3, "reuse (4000) must be below suppress (3000)"),
        ("[damping]\nceiling = 3000\n", 2, "suppress (3500) must be below ceiling (3000)"),
        ("damping.suppress = 100\n", 1, "reuse (2750) must be below"),
        ("damping = { penalty = 1,  suppress = 100 }\n", 1, "reuse (2750) must be below"),
        (
            '[metrics]\nlisten = "9855"\n',
            2,
            'listen must be ADDR:PORT or none, for example 127.0.0.1:9855, not "9855"',
        ),
        ("[metrics]\nlisten = 9855\n", 2, "listen takes a string, not 9855"),
        ('[metrics]\ncert_file = "/a"\n', 2, "there is a certificate but no key"),
        (
            '[maintenance]\nendpoint = "https://169.254.169.254"\n',
            2,
            'endpoint must be "http://ADDRESS" or "http://ADDRESS:PORT", without a name or path, '
            'for example "http://169.254.169.254", not "https://169.254.169.254"',
        ),
        ("[maintenance]\nazure = 1\n", 2, "azure takes true or false, not 1"),
        ("[maintenance]\nacknowledge = true\n", 2, "acknowledge needs azure = true"),
        ("[maintenance]\nfile = true\n", 2, "file takes a path, not true"),
        ("[maintenance]\nlead_s = -1\n", 2, "lead_s must be at least 0, not -1"),
        ("[maintenance]\ninterval_s = 0.1\n", 2, "interval_s must be at least 0.2, not 0.1"),
        ("[maintenance]\ninterval_s = 61\n", 2, "interval_s must be at most 60, not 61"),
        ("[maintenance]\nlead_s = 86401\n", 2, "lead_s must be at most 86400, not 86401"),
        ('[maintenance]\nlead_s = "1m"\n', 2, "lead_s takes a number"),
        ('[maintenance]\nfile = ""\n', 2, "file must not be empty"),
        ('[maintenance]\nendpoint = "http://metadata"\n', 2, "endpoint must be"),
        ('[maintenance]\nendpoint = "http://169.254.169.254:0"\n', 2, "endpoint must be"),
        ('[maintenance]\nendpoint = "http://169.254.169.254/metadata"\n', 2, "endpoint must be"),
        ("[maintenance]\nendpoint = 80\n", 2, "endpoint takes a string, not 80"),
        ('[maintenance]\nacknowledge = "yes"\n', 2, "acknowledge takes true or false"),
        ("[maintenance]\nazur = true\n", 2, "[maintenance] has no key azur; its keys are azure,"),
        ("[log]\nlevels = 'info'\n", 2, "[log] has no key levels; its keys are level"),
        ('[log]\nlevel = ""\n', 2, "level takes"),
        ('[log]\nlevel = "INFO"\n', 2, 'not "INFO"'),
        ('[interface.eth0.log]\nlevel = "info"\n', 1, "[interface.eth0] has no key log"),
        ("[interface.eth0.maintenance]\nazure = true\n", 1, "[interface.eth0] has no key maintenance"),
        ("[interface]\n[interface.eth0]\nxdp = 'warn'\n", 3, "[interface.eth0] has no key xdp"),
        ("[maintenance]\nlead_s = nan\n", 2, "not nan"),
        ("[interface.eth0]\nazure = true\n", 2, "[interface.eth0] has no key azure"),
        ("[metrics]\nusers = { a = 1 }\n", 2, "users takes a table of strings, not 1"),
        (
            '[log]\nlevel = "loud"\n',
            2,
            'level takes "debug" or "info" or "warning" or "error", not "loud"',
        ),
        ("[log]\nlevel = 3\n", 2, "not 3"),
        ("[damping]\npenalty = 1\npenalty = 2\n", 3, "invalid TOML: Cannot overwrite a value"),
        ("[manager]\ninterval_s =\n", 2, "invalid TOML: Invalid value"),
        ('[manager]\ninterfaces = ["eth0",\n\n', 2, "invalid TOML"),
        ("[manager\n", 1, "invalid TOML"),
        ('x = """a\nb\n"""\n[manager]\n', 1, "unknown section [x]"),
    ],
)
def test_what_cannot_be_is_refused_with_the_line_at_fault(text: str, line: int, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, FILE)
    reported = str(caught.value)
    assert reported.startswith(f"{FILE}:{line}: ") and said in reported, reported
    assert "\n" not in reported and caught.value.exit_code == 2


def test_what_is_no_readable_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing\.toml: cannot be read: No such file"):
        load(tmp_path / "missing.toml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path)
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b"[manager]\n# caf\xe9\n")
    with pytest.raises(ConfigError, match=r"latin\.toml:2: not UTF-8"):
        load(latin)
    with pytest.raises(ConfigError, match="larger than 256 KB"):
        load(Path("/dev/zero"))


def test_lines_are_counted_alike_with_carriage_returns(tmp_path: Path) -> None:
    path = tmp_path / "dos.toml"
    path.write_bytes(b"[damping]\r\n\r\npenalty = 0\r\n")
    with pytest.raises(ConfigError, match=r"dos\.toml:3: penalty must be greater"):
        load(path)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


@given(
    st.sampled_from(["manager", "attach", "damping", "announce", "interface.eth0", "nothing"]),
    st.sampled_from(["interfaces", "interval_s", "settle_ms", "guard", "reuse", "after_s", "vf", "x"]),
    VALUES,
)
def test_whatever_a_key_is_given_the_answer_is_a_configuration_or_its_line(
    section: str, key: str, value: object
) -> None:
    written = as_toml(value).replace("\n", "\\n")
    try:
        assert isinstance(parse(f"\n[{section}]\n{key} = {written}\n", FILE), ManagerConfig)
    except ConfigError as error:
        assert str(error).startswith((f"{FILE}:3: ", f"{FILE}:2: unknown section [nothing]")), str(error)


def test_values_nested_beyond_what_can_be_read_are_refused() -> None:
    with pytest.raises(ConfigError, match="nested too deeply"):
        parse(f"x = {'[' * 50_000}", FILE)


@pytest.mark.parametrize(
    "number",
    ["9" * 5000, "-" + "1_0" * 5000, "0x" + "F" * 5000, f"[1,\n{'9' * 5000}]"],
    ids=["long", "negative", "hexadecimal", "in-a-list"],
)
def test_number_that_python_does_not_convert_is_refused(number: str) -> None:
    with pytest.raises(ConfigError, match=rf"{FILE}:{number.count(chr(10)) + 2}: .*too many digits"):
        parse(f"[attach]\nsettle_ms = {number}", FILE)


def test_names_of_any_bytes_are_written_as_they_are_shown() -> None:
    text = r"""
    [manager]
    interfaces = ['caf\xe9', "eth0"]
    [interface.'caf\xe9']
    vf = 'a\x1b\u0085'
    """
    config = parse(text, FILE)
    assert config.interfaces == ("caf\udce9", "eth0")
    assert config.of("caf\udce9").options.vf == "a\x1b\x85"


_ADDRESSES = [f"10.0.0.{number}" for number in range(1, 18)]
PROBE = """
[probe]
enabled = true
targets = ["10.0.0.1", "fe80::1%eth0.5"]
missed = 5
[interface.eth1.probe]
targets = "auto"
interval_s = 2
[interface.eth2]
return = "manual"
"""


def test_an_interface_may_have_a_probe_of_its_own() -> None:
    config = parse(PROBE, FILE)
    assert config.probe == ProbePolicy(True, ("10.0.0.1", "fe80::1%eth0.5"), 1.0, 5)
    assert config.of("eth1").probe == ProbePolicy(True, None, 2.0, 5)
    assert config.of("eth2").probe == config.of("eth9").probe == config.probe


def test_the_return_policy_is_a_key_although_it_is_a_word_of_python() -> None:
    config = parse(PROBE, FILE)
    assert config.of("eth2").options.return_ is ReturnPolicy.MANUAL
    assert config.of("eth1").options.return_ is ReturnPolicy.AUTO


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('[probe]\ntargets = "10.0.0.1"\n', 2, 'targets takes "auto" or a list of strings, not "10.0.0.1"'),
        ('[probe]\ntargets = ["gateway"]\n', 2, "is not an IP address"),
        ('[probe]\ntargets = ["10.0.0.0/24"]\n', 2, "is not an IP address"),
        ('[probe]\ntargets = ["224.0.0.1"]\n', 2, "is not the address of a neighbour"),
        ('[probe]\ntargets = ["::"]\n', 2, "is not the address of a neighbour"),
        ('[probe]\ntargets = ["127.0.0.1"]\n', 2, "is not the address of a neighbour"),
        ("[probe]\ntargets = [1]\n", 2, "not 1"),
        ("[probe]\ntargets = []\n", 2, "targets must have 1 to 16 entries, not 0"),
        (f"[probe]\ntargets = {_ADDRESSES}\n", 2, "targets must have 1 to 16 entries, not 17"),
        ('[probe]\ntargets = ["255.255.255.255"]\n', 2, "is not the address of a neighbour"),
        ('[probe]\ntargets = ["10.0.0.256"]\n', 2, "is not an IP address"),
        ('[probe]\ntargets = "none"\n', 2, 'targets takes "auto" or a list of strings, not "none"'),
        ("[probe]\nmissed = 101\n", 2, "missed must be at most 100"),
        ("[probe]\nmissed = -1\n", 2, "missed must be at least 1"),
        ("[probe]\ninterval_s = nan\n", 2, "not nan"),
        ('[probe]\ninterval_s = "200ms"\n', 2, "interval_s takes a number"),
        ("[probe]\nenabled = 1\n", 2, "enabled takes true or false, not 1"),
        ("probe = true\n", 1, "probe is a section: write [probe]"),
        ("[interface.eth0.probe]\ntargets = []\n", 2, "probe.targets must have 1 to 16 entries, not 0"),
        ('[interface.eth0.probe]\ninterval_s = "x"\n', 2, "probe.interval_s takes a number"),
        ("[interface.eth0.probe]\nenabled = 0\n", 2, "probe.enabled takes true or false, not 0"),
        ("[probe]\nmissed = 0\n", 2, "missed must be at least 1"),
        ("[probe]\nmissed = 2.5\n", 2, "missed takes a whole number"),
        ("[probe]\ninterval_s = 0.01\n", 2, "interval_s must be at least 0.1"),
        ("[probe]\ninterval_s = 61\n", 2, "interval_s must be at most 60"),
        ('[probe]\nenabled = "yes"\n', 2, "enabled takes true or false"),
        ("[probe]\ninterval = 1\n", 2, "[probe] has no key interval"),
        ("[interface.eth0]\nprobe = true\n", 2, "[interface.eth0] has no key probe; its keys are vf"),
        ("[interface.eth0.probe]\nmiss = 1\n", 2, "[interface.eth0] has no key probe.miss"),
        ("[interface.eth0]\nprobe.missed = 0\n", 2, "probe.missed must be at least 1"),
        ('[attach]\nreturn = "never"\n', 2, 'return takes "auto" or "manual", not "never"'),
        ('[attach]\nreturn_ = "manual"\n', 2, "[attach] has no key return_"),
        ("[attach]\nreturn = true\n", 2, 'return takes "auto" or "manual", not true'),
        ('[manager]\nreturn = "manual"\n', 2, "[manager] has no key return"),
        ('[interface.eth0]\nreturn = "never"\n', 2, 'return takes "auto" or "manual", not "never"'),
        ("[interface.eth0]\nreturn_ = 'auto'\n", 2, "[interface.eth0] has no key return_"),
        ('[attach]\nleave = "up"\n', 2, 'leave takes "down" or "steer", not "up"'),
        ("[attach]\nleave = false\n", 2, "not false"),
        ('[interface.eth0]\nleave = "off"\n', 2, 'leave takes "down" or "steer", not "off"'),
    ],
)
def test_a_mistake_about_the_probe_or_the_return_is_found_on_its_line(
    text: str, line: int, said: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(text, FILE)
    assert str(refused.value).startswith(f"{FILE}:{line}: ") and said in str(refused.value)
