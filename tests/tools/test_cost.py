"""What a stack costs. The expected figures were calculated by hand from AWS's pages."""

from __future__ import annotations

import json
import re
import subprocess
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from components.parameters import STANDARD_LIMIT
from dashboards.registry import AWS_EC2
from settings import SettingsError
from tests.support.configuration import HOST
from tools import stack_file
from tools.cost import __main__ as command
from tools.cost import bill as bills
from tools.cost import prices
from tools.cost.bill import Bill, bill
from tools.cost.shown import as_markdown
from tools.stack_file import parse, read

ROOT = Path(__file__).resolve().parents[2]
CIDRS = "  monitoring:operatorCidrs: [203.0.113.0/24]\n  monitoring:agentCidrs: [203.0.113.0/24]\n"


def of(lines: str = "", region: str = "us-east-1", cidrs: str = CIDRS, **options: Any) -> Bill:
    text = f"config:\n  aws:region: {region}\n{cidrs}{lines}"
    return bill(parse(text, "dev", "Pulumi.dev.yaml"), **options)


def amounts(found: Bill) -> dict[str, str]:
    return {line.what: str(line.monthly) for line in found.lines}


def test_the_default_stack_in_virginia() -> None:
    """0.0168 × 730; 10 and 20 × 0.08; 0.005 × 730; 7 × 0.30; (31 days × 5.2 MiB + 361 × 0.52) × 14;
    43,800 × 0.01 / 1000."""
    found = of()
    assert amounts(found) == {
        "server": "12.26",
        "root volume": "0.80",
        "data volume": "1.60",
        "public IPv4 address": "3.65",
        "detailed monitoring of the server": "2.10",
        "backups at full size": "0.11",
        "status-check alert in CloudWatch": "0.44",
    }
    assert found.total == Decimal("20.96")
    assert found.total == sum(line.monthly or 0 for line in found.lines)


def test_settings_change_their_lines() -> None:
    larger = amounts(
        of("  monitoring:instanceType: m7g.large\n  monitoring:dataVolumeSize: 100\n  monitoring:rootVolumeSize: 20\n")
    )
    assert (larger["server"], larger["data volume"], larger["root volume"]) == ("59.57", "8.00", "1.60")
    rarer = amounts(of("  monitoring:alertThresholds: { interval: 5m, silentAfter: 15m }\n", instances=10))
    assert rarer["status-check alert in CloudWatch"] == "0.88"


def test_without_a_public_address_none_is_billed_and_a_note_names_the_nat_gateway() -> None:
    private = of("  monitoring:publicAddress: false\n  monitoring:subnetId: subnet-0123456789abcdef0\n")
    assert set(amounts(of())) - set(amounts(private)) == {"public IPv4 address"}
    assert any("NAT gateway" in note for note in private.notes)
    assert not any("NAT gateway" in note for note in of().notes)


def test_the_cost_of_queries_to_route_53_is_noted() -> None:
    named = of("  monitoring:domain: m.example.com\n  monitoring:route53Zone: example.com\n")
    assert any("0.40 per million queries" in note for note in named.notes)


def test_a_dead_mans_switch_is_two_alarms() -> None:
    with_mail = amounts(of("  monitoring:deadMansSwitch: { email: [ops@example.com] }\n"))
    assert with_mail["dead man's switch"] == "0.20"
    assert "dead man's switch" not in amounts(of())


def test_backups_grow_with_hosts_and_days_and_stop_at_half_the_volume() -> None:
    hundred = of("  monitoring:dataVolumeSize: 200\n", hosts=100)
    # 101 × 31 × 5.2 MiB = 15.9 GiB, and 101 × 361 × 0.52 MiB = 18.5 GiB of 5-minute steps, 14 times, at 0.023
    assert amounts(hundred)["backups at full size"] == "11.08"
    fewer = of("  monitoring:dataVolumeSize: 200\n  monitoring:rollupRetention: 60d\n", hosts=100)
    assert amounts(fewer)["backups at full size"] == "6.13"
    full = of("  monitoring:retention: INF\n", hosts=100)
    assert amounts(full)["backups at full size"] == "3.22"  # 10 GiB, 14 times
    assert "backups at full size" not in amounts(of("  monitoring:backups: { enabled: false }\n"))
    slow = of("  monitoring:dataVolumeSize: 200\n  monitoring:collectionInterval: 30s\n", hosts=100)
    assert amounts(slow)["backups at full size"] == "7.67", "the number of 5-minute steps stays the same"


def test_listed_hosts_are_counted() -> None:
    host = "{ name: web-%d, address: web-%d.example.com, user: admin, hostKey: '%s' }"
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
    hosts = ", ".join(host % (number, number, key) for number in range(20))
    with_hosts = of(f"  monitoring:hosts: [{hosts}]\n")
    assert amounts(with_hosts)["backups at full size"] == amounts(of(hosts=20))["backups at full size"] != "0.11"


def test_the_hosts_of_a_file_are_counted_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [f"h-{number},198.51.100.{number + 1},admin,{HOST['hostKey']}\n" for number in range(20)]
    Path("hosts.csv").write_text("name,address,user,hostKey\n" + "".join(rows))
    listed = of("  monitoring:hostsFile: { path: hosts.csv, privateKey: { secure: AAAA } }\n")
    assert amounts(listed)["backups at full size"] == amounts(of(hosts=20))["backups at full size"] != "0.11"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("hostsFile", "{ path: { secure: AAAA } }"),
        ("hostsFile", "{ secure: AAAA }"),
        ("hosts", "{ secure: AAAA }"),
    ],
)
def test_a_note_says_that_encrypted_hosts_are_not_counted(key: str, value: str) -> None:
    sentence = f"monitoring:{key} contains an encrypted value: its hosts are not counted."
    lines = f"  monitoring:{key}: {value}\n"
    assert [note for note in of(lines).notes if "not counted" in note] == [
        f"{sentence} Say how many there are with HOSTS_THERE=100."
    ]
    assert not [note for note in (*of().notes, *of(lines, hosts=20).notes) if "not counted" in note]


def test_a_missing_file_of_hosts_is_reported_although_the_other_hosts_are_encrypted() -> None:
    with pytest.raises(SettingsError) as error:
        of("  monitoring:hosts: { secure: AAAA }\n  monitoring:hostsFile: { path: nowhere.csv }\n")
    (mistake,) = error.value.mistakes
    assert (mistake.key, mistake.wrong) == (
        "monitoring:hostsFile.path",
        "cannot be read: No such file or directory",
    )


def test_another_influxdb_leaves_only_grafana_to_back_up() -> None:
    influxdb = "{ url: 'https://influx.example.com:8086', username: agents, password: { secure: v1:abc } }"
    operators = CIDRS.splitlines(keepends=True)[0]
    found = of(f"  monitoring:influxdb: {influxdb}\n", cidrs=operators, hosts=100)
    assert amounts(found)["backups at full size"] == "0.00"


def test_a_database_that_aws_runs_is_listed_without_a_price() -> None:
    found = of("  monitoring:database: { kind: timestream, storage: 100, multiAz: true }\n", hosts=100)
    (line,) = [each for each in found.lines if each.what == "Timestream for InfluxDB"]
    assert (line.quantity, line.monthly) == ("2 instances of db.influx.medium, 100 GiB", None)
    assert any("leaves out Timestream for InfluxDB" in note for note in found.notes)
    assert amounts(found)["backups at full size"] == "0.00"


def test_a_long_certificate_takes_the_advanced_tier() -> None:
    """As its key is encrypted, the tool cannot check the certificate, but it knows its length."""
    chain = "\n".join(["-----BEGIN CERTIFICATE-----", *["A" * 64] * 80, "-----END CERTIFICATE-----"])
    assert len(chain) > STANDARD_LIMIT == bills.STANDARD_PARAMETER
    own = json.dumps({"certificate": chain, "privateKey": {"secure": "v1:abc"}})
    text = f"  monitoring:domain: monitoring.example.com\n  monitoring:certificate: {own}\n"
    file = parse(f"config:\n  aws:region: us-east-1\n{CIDRS}{text}", "dev", "Pulumi.dev.yaml")
    assert next(iter(bills._parameters(file.given, prices.of("us-east-1")))).monthly == Decimal("0.05")
    assert not list(bills._parameters({}, prices.of("us-east-1")))


@pytest.mark.parametrize("own", ["shown", "kept"])
def test_the_large_files_of_a_stack_that_moves_are_counted(own: str) -> None:
    found = of(f"  monitoring:database: {{ kind: timestream, own: {own} }}\n")
    assert amounts(found)["advanced-tier parameters"] == "0.10"
    assert "advanced-tier parameters" not in amounts(of("  monitoring:database: { kind: timestream }\n"))


def test_a_region_without_prices_says_whose_are_shown() -> None:
    found = of(region="eu-south-1")
    assert found.total == of(region="eu-central-1").total
    assert any("No prices are known for eu-south-1: these are for eu-central-1" in note for note in found.notes)
    assert not any("No prices" in note for note in of(region="us-west-2").notes)


@pytest.mark.parametrize(
    ("region", "nearest"),
    [
        *(("eu-south-1", "eu-central-1"), ("ap-northeast-2", "ap-northeast-1"), ("ap-southeast-4", "ap-southeast-1")),
        *(("sa-east-1", "us-east-1"), ("us-west-1", "us-west-2"), ("eu-west-1", "eu-west-1")),
    ],
)
def test_the_nearest_region(region: str, nearest: str) -> None:
    assert prices.nearest(region) == nearest


def test_an_unknown_instance_type_is_left_out_of_the_total_and_noted() -> None:
    found = of("  monitoring:instanceType: x8g.48xlarge\n")
    assert amounts(found)["server"] == "None"
    assert found.total == of().total - Decimal("12.26")
    assert any("The total leaves out the server" in note for note in found.notes)


def test_every_price_is_exact_and_has_a_dated_source() -> None:
    content = prices._read()
    numbers = [
        each for region in prices.known() for family in prices.of(region).instances.values() for each in family.values()
    ]
    assert len(numbers) > 150
    assert {type(each) for each in numbers} == {Decimal}
    for source in content["sources"].values():
        assert source["page"].startswith("https://aws.amazon.com/")
        assert source["as_of"] <= content["date"]
        assert source["from"]


def test_larger_sizes_cost_in_proportion() -> None:
    """AWS's prices double with the size, except for rounding, so that a mistyped figure stands out."""
    steps = ("nano", "micro", "small", "medium", "large", "xlarge", "2xlarge", "4xlarge")
    for region in prices.known():
        for family, sizes in prices.of(region).instances.items():
            for smaller, larger in pairwise(steps):
                if smaller in sizes and larger in sizes:
                    assert abs(sizes[larger] - 2 * sizes[smaller]) <= Decimal("0.0003"), (region, family, larger)


def test_a_note_says_what_viewing_the_ec2_dashboard_costs() -> None:
    """Six queries of every instance, every five minutes: 6 × 12 × 0.00001."""
    assert bills.viewing(AWS_EC2.build()) == (6, 12)
    assert any("“AWS EC2” dashboard: 0.0007 per hour and instance shown" in note for note in of().notes)


def test_a_note_says_what_viewing_each_custom_metric_costs() -> None:
    metric = "{ namespace: AWS/SQS, metric: NumberOfMessagesSent, dimensions: { QueueName: [a, b, c] } }"
    (note,) = [each for each in of(f"  monitoring:customMetrics: [{metric}]\n").notes if "Custom metrics" in each]
    assert "at least 0.0004 per hour" in note  # 3 series, 12 times, at 0.00001


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.dev.yaml").write_text((ROOT / "Pulumi.dev.yaml").read_text())
    return tmp_path


def bill_json(capsys: pytest.CaptureFixture[str], project: Path, *arguments: str) -> Any:
    assert command.main(["--stack", "dev", "--project", str(project), "--format", "json", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_difference_to_older_settings(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = project / "old.yaml"
    old.write_text((project / "Pulumi.dev.yaml").read_text() + "  monitoring:dataVolumeSize: 120\n")
    found = bill_json(capsys, project, "--compare", str(old))
    assert found["difference"] == -9.52  # 100 GiB at 0.0952
    assert found["before"] == pytest.approx(found["total"] + 9.52)
    changed = {line["what"]: line["difference"] for line in found["lines"] if line["difference"]}
    assert changed == {"data volume": -9.52}


def test_a_removed_line_is_in_the_difference(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = project / "old.yaml"
    old.write_text((project / "Pulumi.dev.yaml").read_text())
    with (project / "Pulumi.dev.yaml").open("a") as file:
        file.write("  monitoring:backups: { enabled: false }\n")
    lines = bill_json(capsys, project, "--compare", str(old))["lines"]
    assert [line["difference"] for line in lines if line["what"] == "backups at full size"] == [-0.03]


def test_a_new_stack_differs_by_its_whole_cost(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = bill_json(capsys, project, "--compare", "/dev/null")
    assert found["before"] == 0
    assert found["difference"] == found["total"] > 20


def test_older_settings_with_mistakes_are_not_compared(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = project / "old.yaml"
    old.write_text("config: { aws:region: nowhere }\n")
    found = bill_json(capsys, project, "--compare", str(old))
    assert "difference" not in found
    assert found["notes"][0].startswith("Not compared: ")


def test_the_table_and_markdown_end_with_the_total(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--stack", "dev", "--project", str(project)]
    assert command.main(arguments) == 0
    assert re.search(r"total\s.*23\.09", capsys.readouterr().out)
    assert command.main([*arguments, "--format", "markdown", "--compare", "/dev/null"]) == 0
    assert "| **total** |  | **23.09** | **+23.09** |" in capsys.readouterr().out


def test_mistakes_are_reported_in_plain_words(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (project / "Pulumi.dev.yaml").open("a") as file:
        file.write("  monitoring:instanceType: huge\n")
    arguments = ["--stack", "dev", "--project", str(project)]
    assert command.main(arguments) == 1
    assert 'monitoring:instanceType = "huge": is not an EC2 instance type' in capsys.readouterr().err
    for text in ("-1", "٣", "9" * 5000):
        with pytest.raises(SystemExit):
            command.main([*arguments, "--hosts", text])
        said = capsys.readouterr().err
        assert "is not a count; write a number from 0 to 9,999,999" in said
        assert len(said) < 1000
    assert command.main(["--stack", "../dev", "--project", str(project)]) == 1
    assert "'../dev' is not a valid stack name: " in capsys.readouterr().err
    assert command.main(["--stack", "dev", "--project", str(project / "none")]) == 1
    assert f"There is no folder {project / 'none'}: " in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(("variables", "total"), [([], "23.09"), (["STACK=prod"], "46.09")])
def test_make_cost(variables: list[str], total: str) -> None:
    """Without STACK, the stack is dev, although `make up` and others use the local environment's stack."""
    done = subprocess.run(
        ["make", "--no-print-directory", "cost", *variables],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(rf"total\s.*{re.escape(total)}", done.stdout)


def table_of(stack: str) -> str:
    """The table as README.md has it."""
    return as_markdown(bill(read(ROOT / f"Pulumi.{stack}.yaml", stack)), None)


def test_the_readme_says_what_the_tool_says() -> None:
    found = re.search(r"<!-- cost -->\n(.*?)\n<!-- /cost -->", (ROOT / "README.md").read_text(), re.DOTALL)
    assert found is not None
    assert found.group(1) == table_of("dev"), f"write this into the README:\n{table_of('dev')}"


def test_the_page_about_scale_has_the_figures_of_the_tool() -> None:
    page = (ROOT / "docs/scale.md").read_text()
    rows = re.findall(r"^\| `([a-z0-9]+\.[a-z0-9]+)` \|.*\| ([0-9]+) \|$", page, re.MULTILINE)
    assert len(rows) == 5
    dev = read(ROOT / "Pulumi.dev.yaml", "dev")
    for kind, month in rows:
        config = {**dev.config, "monitoring:instanceType": kind}
        total = bill(stack_file.StackFile("dev", config, ())).total
        assert Decimal(month) == total.quantize(Decimal(1)), (kind, total)
    credit = prices.of("eu-central-1").cpu_credit_hour("t4g.small")
    assert credit is not None
    assert f"cost {int(credit * 100)} cents per vCPU-hour" in page
