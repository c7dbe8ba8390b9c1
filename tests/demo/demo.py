#!/usr/bin/env python3
"""A whole election on this machine, every party a process of its own with its own secrets in its own directory.

Started by ./psephos demo. Without --replay: a small built-in election. With --replay FILE: a real result table, cast vote by vote
through the running collector and compared with the tally.
"""

import argparse
import base64
import csv
import json
import os
import random
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOFTHSM = "/usr/lib/softhsm/libsofthsm2.so"
BOLD, DIM, GREEN, RED, OFF = ("\033[1m", "\033[2m", "\033[32m", "\033[31m", "\033[0m") if sys.stdout.isatty() else ("",) * 5


class Failed(Exception):
    """A step did not end as it should; the message says which and where to look."""


class Parties:
    """Runs the programs, keeps the services, and measures each stage's time and peak memory."""

    def __init__(self, binaries, home):
        self.binaries, self.home = binaries, home
        self.services, self.stages = [], []
        self.stage_name, self.stage_start, self.stage_peak, self.stage_parts = None, 0.0, 0, {}
        self.logs = home / "logs"
        self.logs.mkdir(parents=True)

    # -- stages

    def stage(self, name):
        self.end_stage()
        self.stage_name, self.stage_start, self.stage_peak, self.stage_parts = name, time.monotonic(), 0, {}
        print(f"\n{BOLD}{name}{OFF}", flush=True)

    def end_stage(self):
        if self.stage_name is not None:
            for _, process in self.services:
                status = Path(f"/proc/{process.pid}/status")
                found = re.search(r"VmHWM:\s+(\d+)", status.read_text()) if status.exists() else None
                self.stage_peak = max(self.stage_peak, int(found.group(1)) if found else 0)
            seconds = time.monotonic() - self.stage_start
            self.stages.append((self.stage_name, seconds, self.stage_peak, self.stage_parts))
            if seconds > 10:
                parts = ", ".join(f"{name} {s:.1f} s" for name, s in self.stage_parts.items() if name != "everything else")
                self.say(f"{DIM}took {seconds:.1f} s{f' ({parts})' if parts else ''}, {self.stage_peak / 1024:.0f} MB{OFF}")
            self.stage_name = None

    def say(self, text):
        print(f"  {text}", flush=True)

    # -- programs

    def run(self, program, *args, passphrase=None, env=None, expect_failure=False, show_progress=False):
        """Runs a program to its end. Returns its standard output; with expect_failure its standard error."""
        command = [str(self.binaries / program), *map(str, args)]
        full_env = {**os.environ, **(env or {})}
        full_env.pop("PSEPHOS_PASSPHRASE", None)
        if passphrase:
            full_env["PSEPHOS_PASSPHRASE"] = passphrase
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            process = subprocess.Popen(command, env=full_env, stdin=subprocess.DEVNULL, stdout=out, stderr=None if show_progress else err)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            self.stage_peak = max(self.stage_peak, usage.ru_maxrss)
            out.seek(0)
            err.seek(0)
            output, errors = out.read(), err.read()
        if (process.returncode != 0) != expect_failure:
            raise Failed(f"'{' '.join(command)}' ended with status {process.returncode}\n{output}\n{errors}")
        for times in re.findall(r"^(?:time [\d.]+ s| +time): (.*)$", output, re.MULTILINE):
            for part, seconds in re.findall(r"([a-z ]+?) ([\d.]+) s", times):
                self.stage_parts[part.strip()] = self.stage_parts.get(part.strip(), 0.0) + float(seconds)
        return errors if expect_failure else output

    def serve(self, name, program, *args, passphrase=None, ready=r"listening|ready", env=None):
        """Starts a service and waits for its ready line."""
        log = self.logs / f"{name}.log"
        full_env = {**os.environ, **(env or {})}
        if passphrase:
            full_env["PSEPHOS_PASSPHRASE"] = passphrase
        process = subprocess.Popen([str(self.binaries / program), *map(str, args)], env=full_env,
                                   stdin=subprocess.DEVNULL, stdout=log.open("w"), stderr=subprocess.STDOUT)
        self.services.append((name, process))
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if re.search(ready, log.read_text(), re.IGNORECASE):
                return process
            if process.poll() is not None:
                break
            time.sleep(0.05)
        raise Failed(f"{name} did not start; see {log}\n{log.read_text()}")

    def stop(self, wanted=None):
        for name, process in reversed(self.services):
            if wanted in (None, name) and process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for name, process in reversed(self.services):
            if wanted in (None, name):
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()
        if wanted is None:
            self.services = []
        else:
            self.services = [(n, p) for n, p in self.services if n != wanted]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


# ---- Elections

LANGUAGES = ["en", "et", "ru", "km"]


def texts(*in_languages):
    return dict(zip(LANGUAGES, in_languages))


def person(name, khmer):
    return texts(name, name, name, khmer)


BLANK = texts("Blank vote", "Tühi hääl", "Пустой бюллетень", "សន្លឹកឆ្នោតទទេ")


def choices(*rows):
    out = [{"id": i, "names": names} for i, names in rows]
    out.append({"id": "blank", "names": BLANK, "kind": "blank"})
    return out


class BuiltIn:
    """Three contests, in one of which a voter may mark several choices; four units, four languages; the smallest unit is too small to be counted alone.

    A ballot is a tuple of (contest, choice), with one for each choice that is marked."""

    title = texts("Lakeside demonstration election", "Järveääre näidisvalimine", "Демонстрационные выборы в Лейксайде", "ការបោះឆ្នោតសាកល្បងនៅឡេកសាយ")
    languages = LANGUAGES
    smallest_group = 5
    voters_by_unit = {"north": 110, "south": 90, "harbour": 60, "island": 4}
    token_voters = 3
    first_lines = "a built-in election: 3 contests, 4 units, 4 languages"

    def __init__(self, rng):
        self.rng = rng
        mayor = choices(("101", person("Ada Lind", "អាដា លីន")), ("102", person("Bruno Saar", "ប្រូណូ សារ")), ("103", person("Clea Tamm", "ក្លេអា តាំ")))
        town = choices(("201", person("Green Shore", "ឆ្នេរបៃតង")), ("202", person("Harbour List", "បញ្ជីកំពង់ផែ")), ("203", person("New Bridge", "ស្ពានថ្មី")))
        island = choices(("201", person("Green Shore", "ឆ្នេរបៃតង")), ("301", person("Island Voice", "សំឡេងកោះ")))
        projects = [{"id": i, "names": names} for i, names in (
            ("401", texts("New library", "Uus raamatukogu", "Новая библиотека", "បណ្ណាល័យថ្មី")), ("402", texts("Cycle path", "Jalgrattatee", "Велодорожка", "ផ្លូវជិះកង់")),
            ("403", texts("Playground", "Mänguväljak", "Детская площадка", "សួនកុមារ")), ("404", texts("Ferry pier", "Praamikai", "Паромный причал", "ផែសាឡាង")),
            ("405", texts("Street lights", "Tänavavalgustus", "Уличное освещение", "ភ្លើងបំភ្លឺផ្លូវ")))]
        self.contests = [
            {"id": "mayor", "title": texts("Mayor", "Linnapea", "Мэр", "អភិបាលក្រុង"), "lists": [{"id": "all", "choices": mayor}]},
            {"id": "council", "title": texts("Town council", "Linnavolikogu", "Городской совет", "ក្រុមប្រឹក្សាក្រុង"),
             "lists": [{"id": "town", "choices": town}, {"id": "north-shore", "choices": island}]},
            {"id": "projects", "title": texts("Town projects, up to three", "Linna projektid, kuni kolm", "Городские проекты, до трёх", "គម្រោងទីក្រុង យ៉ាងច្រើនបី"),
             "kind": "several", "min": 0, "max": 3, "lists": [{"id": "all", "choices": projects}]},
        ]
        name = {"north": texts("North Shore", "Põhjakallas", "Северный берег", "ឆ្នេរខាងជើង"), "south": texts("South Bank", "Lõunakallas", "Южный берег", "ច្រាំងខាងត្បូង"),
                "harbour": texts("Harbour", "Sadam", "Гавань", "កំពង់ផែ"), "island": texts("Island", "Saar", "Остров", "កោះ")}
        self.units = [{"id": u, "names": name[u], "contests": [{"contest": "mayor", "list": "all"},
                       {"contest": "council", "list": "north-shore" if u == "north" else "town"}, {"contest": "projects", "list": "all"}]} for u in self.voters_by_unit]
        self.ids = {"mayor": [c["id"] for c in mayor], "town": [c["id"] for c in town], "north-shore": [c["id"] for c in island],
                    "projects": [c["id"] for c in projects]}

    def random_ballot(self, unit):
        council = "north-shore" if unit == "north" else "town"
        pick = lambda ids: self.rng.choices(ids, weights=[*range(len(ids) + 2, 3, -1), 1])[0]  # earlier ones are liked better, blank least
        marked = sorted(self.rng.sample(self.ids["projects"], self.rng.choice((0, 1, 2, 3, 3))))
        return (("mayor", pick(self.ids["mayor"])), ("council", pick(self.ids[council])), *(("projects", choice) for choice in marked))

    def plan(self, voters):
        """voters: unit -> national ids. Returns ballots in order, revoked and restored voters, and the ballots that must count."""
        casts, final = [], {}
        for unit, ids in voters.items():
            for voter in ids:
                if self.rng.random() < 0.05:
                    continue  # stays at home
                casts.append((voter, self.random_ballot(unit)))
        recasting = self.rng.sample([v for v, _ in casts], 25)
        unit_of = {v: u for u, ids in voters.items() for v in ids}
        casts += [(v, self.random_ballot(unit_of[v])) for v in recasting]
        for voter, ballot in casts:
            final[voter] = ballot
        on_paper = self.rng.sample(sorted(v for v in final if unit_of[v] != "island"), 9)
        restored = on_paper[:2]
        for voter in on_paper[2:]:
            del final[voter]
        return casts, on_paper, restored, final


class Replay:
    """A real result table: every vote of it is cast as a ballot."""

    bulk_from = 20_000  # voters, beyond whom casting over HTTPS takes too long
    languages = ["et"]
    smallest_group = 5
    token_voters = 0

    def __init__(self, rng, file, district, scale):
        self.rng = rng
        rows = list(csv.DictReader(Path(file).open(encoding="utf-8-sig")))
        if not rows:
            raise Failed(f"{file} holds no rows")
        missing = {"district", "district_name", "number", "candidate", "list", "votes"} - set(rows[0])
        if missing:
            raise Failed(f"{file} lacks the columns {', '.join(sorted(missing))}")
        self.rows, self.district_names = [], {}
        for row in rows:
            if district is None or row["district"] == str(district):
                self.rows.append({**row, "votes": round(int(row["votes"]) * scale)})
                self.district_names[row["district"]] = row["district_name"]
        if not self.rows:
            raise Failed(f"{file} has no district {district}")
        self.title = {"et": "Riigikogu valimised 2023, kordus"}
        lists, self.units, self.table = [], [], {}
        for d, name in self.district_names.items():
            own = [r for r in self.rows if r["district"] == d]
            lists.append({"id": f"d{d}", "choices": [{"id": r["number"], "names": {"et": r["candidate"]}, "group": {"et": r["list"]}} for r in own]
                          + [{"id": "blank", "names": {"et": "Tühi hääl"}, "kind": "blank"}]})
            self.units.append({"id": f"d{d}", "names": {"et": name}, "contests": [{"contest": "riigikogu", "list": f"d{d}"}]})
            for r in own:
                self.table[(f"d{d}", r["number"])] = r["votes"]
        self.contests = [{"id": "riigikogu", "title": {"et": "Riigikogu"}, "lists": lists}]
        votes = sum(r["votes"] for r in self.rows)
        self.first_lines = f"{votes:,} votes for {len(self.rows)} candidates in {len(self.units)} district(s), from {file}"
        # Besides the voters of the table: 0.6 % who vote on the internet and then on paper.
        self.voters_by_unit = {}
        self.revoked_by_unit = {}
        for d in self.district_names:
            own = sum(r["votes"] for r in self.rows if r["district"] == d)
            self.revoked_by_unit[f"d{d}"] = max(1, round(own * 0.006))
            self.voters_by_unit[f"d{d}"] = own + self.revoked_by_unit[f"d{d}"]

    def plan(self, voters):
        casts, final, on_paper = [], {}, []
        for unit, ids in voters.items():
            numbers = [n for (u, n) in self.table if u == unit]
            ballot = {n: (("riigikogu", n),) for n in numbers}  # one for all who vote alike: there are 600,000
            wanted = [n for n in numbers for _ in range(self.table[(unit, n)])]
            self.rng.shuffle(wanted)
            counted, revoked = ids[:len(wanted)], ids[len(wanted):]
            first = []
            for voter, number in zip(counted, wanted):
                if self.rng.random() < 0.035:  # changed her mind: the first ballot is for anybody
                    first.append((voter, ballot[self.rng.choice(numbers)]))
                final[voter] = ballot[number]
            casts += first + [(v, final[v]) for v in counted] + [(v, ballot[self.rng.choice(numbers)]) for v in revoked]
            on_paper += revoked
        return casts, on_paper, [], final


# ---- The election, step by step

class Election:
    def __init__(self, parties, election, options):
        self.p, self.e, self.o = parties, election, options
        self.home = parties.home
        self.passphrases = {}
        voters = sum(election.voters_by_unit.values())
        self.bulk = options.bulk or voters > getattr(election, "bulk_from", voters)
        self.curve = options.cards or ("p256" if self.bulk else "p384")

    def secret_of(self, party):
        return self.passphrases.setdefault(party, secrets.token_hex(12))

    def define(self):
        p, home = self.p, self.home
        p.stage("1  Keys and definition")
        p.run("test-ca", "init", "--dir", home / "test-ca", "--curve", self.curve)
        self.witnesses, self.witness_ports = [], []
        for i in (1, 2, 3):
            party = f"witness-{i}"
            out = p.run("witness", "init", "--name", f"witness-{i}.example", "--key", home / party / "key", "--cost", "interactive",
                        passphrase=self.secret_of(party))
            name, _, key = out.strip().split("+", 2)
            self.witnesses.append({"name": name, "key": base64.b64decode(key)[1:].hex()})
        self.collector_keys = json.loads(p.run("collector", "init", "--dir", home / "collector", "--origin", "localhost", "--seal-cost", "interactive",
                                               passphrase=self.secret_of("collector")))
        members = {}
        for purpose, names in (("commission", ["Alba", "Boris", "Chanthou"]), ("mixer", ["Observatory", "Law Society", "University"]),
                               ("trustee", ["Court", "Ombudsman", "Academy"])):
            members[purpose] = []
            for i, name in enumerate(names, 1):
                party = f"{purpose}-{i}"
                out = p.run("tally", "key", "--purpose", purpose, "--name", name, "--out", home / party / "key", "--seal-cost", "interactive",
                            passphrase=self.secret_of(party))
                members[purpose].append(json.loads(out))
        p.say("made keys for 3 commission members, 3 trustees, 3 mixers, 3 witnesses and the collector, each in a directory of its own")

        now = int(time.time())
        definition = {
            "election": "demo-" + time.strftime("%Y%m%d", time.gmtime(now)), "mode": "test", "languages": self.e.languages, "title": self.e.title,
            "contests": self.e.contests, "units": self.e.units,
            "periods": {"casting_begins": now - 60, "casting_ends": now + 6 * 3600, "grace_ends": now + 6 * 3600 + 1800},
            "policy": {"smallest_group": self.e.smallest_group, "mix_inputs": "sworn", "superseded": "shown", "verification_minutes": 60,
                       "verification_count": 5, "ticket_minutes": 30},
            "eid": {"anchors": [{"file": str(home / "test-ca" / "root.der")}, {"file": str(home / "test-ca" / "issuing.der")}],
                    "time_stamp_anchors": [{"file": str(home / "test-ca" / "tsa-root.der")}, {"file": str(home / "test-ca" / "tsa-issuing.der")}],
                    "policies": ["0.4.0.194112.1.2"], "identities": ["PNOEE"], "keys": ["P-384", "P-256", "RSA"], "rsa_bits": [2048, 6144]},
            "commission": members["commission"], "commission_quorum": 2,
            "trustees": members["trustee"], "trustee_quorum": 2,
            "mixers": members["mixer"],
            "witnesses": [{"name": w["name"], "key": w["key"]} for w in self.witnesses], "witness_quorum": 2,
            "collector": {k: self.collector_keys[k] for k in ("origin", "log_key", "service_key", "tls_certificate_sha256")},
        }
        for roster in ("commission", "mixers"):
            definition[roster] = [{k: m[k] for k in ("name", "key")} for m in definition[roster]]
        definition["trustees"] = [{k: m[k] for k in ("name", "key", "ceremony_key")} for m in definition["trustees"]]
        (home / "commission").mkdir(exist_ok=True)
        (home / "commission" / "definition.json").write_text(json.dumps(definition, ensure_ascii=False, indent=1))
        p.run("tally", "define", "--in", home / "commission" / "definition.json", "--out", home / "commission" / "definition")
        p.say(f"froze the definition ({self.e.first_lines})")

    def ceremony(self):
        p, home = self.p, self.home
        p.stage("2  Key ceremony: three trustees, any two can decrypt, none alone")
        board = home / "board"
        for step in ("announce", "open", "certify"):
            for i in (1, 2, 3):
                party = f"trustee-{i}"
                p.run("tally", "keygen", step, "--definition", home / "commission" / "definition", "--key", home / party / "key",
                      "--state", home / party, "--board", board, passphrase=self.secret_of(party))
        self.manifest = home / "commission" / "manifest"
        p.run("tally", "manifest", "--definition", home / "commission" / "definition", "--board", board, "--out", self.manifest)
        self.commission_signs("manifest", self.manifest)
        self.fingerprint = re.sub(r"\s", "", p.run("tally", "fingerprint", self.manifest))
        self.fingerprint = re.search(r"[0-9a-f]{64}", self.fingerprint).group(0)
        p.say("all announced, opened, certified; the joint key exists, its secret nowhere")
        p.say(f"two commission members signed the manifest. Election fingerprint, to be announced in public:")
        p.say(f"{BOLD}{' '.join(self.fingerprint[i:i + 8] for i in range(0, 64, 8))}{OFF}")

    def commission_signs(self, kind, file):
        for i in (1, 2):
            manifest = [] if kind == "manifest" else ["--manifest", self.manifest]
            self.p.run("tally", "sign", "--key", self.home / f"commission-{i}" / "key", "--kind", kind, *manifest, file,
                       passphrase=self.secret_of(f"commission-{i}"))

    def phase_event(self, event, command):
        file = self.home / "commission" / f"event-{event}"
        self.p.run("tally", "document", "phase", "--manifest", self.manifest, "--event", event, "--out", file)
        self.commission_signs("phase", file)
        return self.operate(command, file)

    def operate(self, command, *args):
        return self.p.run("collector", command, "--dir", self.home / "collector", *args)

    def cards(self):
        p, home = self.p, self.home
        p.stage("3  Roll of voters, and their eID cards")
        total = sum(self.e.voters_by_unit.values())
        ids = [line.split("\t")[0] for line in self.make_people(total)]
        self.voters, lines, at = {}, [], 0
        for unit, n in self.e.voters_by_unit.items():
            self.voters[unit] = ids[at:at + n]
            at += n
            lines += [f"{v}\t{unit}\tGiven\tFamily" for v in self.voters[unit]]
        roll = home / "commission" / "roll.tsv"
        roll.write_text("# national_id\tunit\tgiven_name\tsurname\n" + "\n".join(lines) + "\n")
        p.run("test-ca", "issue", "--dir", home / "test-ca", "--roll", roll, "--out", home / "voters" / "cards", show_progress=True)
        p.run("tally", "document", "roll", "--manifest", self.manifest, "--in", roll, "--version", "1", "--out", home / "commission" / "roll-1")
        self.commission_signs("roll", home / "commission" / "roll-1")
        p.say(f"{total:,} voters in {len(self.voters)} units; each has a certificate for identification and one for signatures")
        self.tokens = {}
        if self.e.token_voters:
            conf = home / "voters" / "softhsm2.conf"
            (home / "voters" / "tokens").mkdir(parents=True)
            conf.write_text(f"directories.tokendir = {home / 'voters' / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n")
            self.token_env = {"SOFTHSM2_CONF": str(conf)}
            for voter in self.voters["south"][:self.e.token_voters]:
                pin1, pin2 = f"{secrets.randbelow(10**4):04}", f"{secrets.randbelow(10**5):05}"
                p.run("test-ca", "issue-token", "--dir", home / "test-ca", "--national-id", voter, "--given", "Given", "--surname", "Family",
                      "--module", SOFTHSM, "--pin1", pin1, "--pin2", pin2, env=self.token_env)
                for n, pin in ((1, pin1), (2, pin2)):
                    file = home / "voters" / f"{voter}.pin{n}"
                    file.write_text(pin + "\n")
                    file.chmod(0o600)
                self.tokens[voter] = (home / "voters" / f"{voter}.pin1", home / "voters" / f"{voter}.pin2")
            p.say(f"{len(self.tokens)} of them hold cryptographic tokens (PKCS#11, two PINs); the rest use software keys, allowed in test mode only")

    def make_people(self, n):
        out = self.home / "voters" / "people.tsv"
        out.parent.mkdir(exist_ok=True)
        self.p.run("test-ca", "roll", "--count", n, "--units", "x", "--out", out)
        return [line for line in out.read_text().splitlines() if line and not line.startswith("#")]

    def open(self):
        p, home = self.p, self.home
        p.stage("4  Collector, witnesses and trust services start, casting opens")
        log_key = p.run("collector", "log-key", "--manifest", self.manifest).strip()
        urls = []
        for i in (1, 2, 3):
            port = free_port()
            p.serve(f"witness-{i}", "witness", "serve", "--key", home / f"witness-{i}" / "key", "--listen", f"127.0.0.1:{port}",
                    "--log-key", log_key, passphrase=self.secret_of(f"witness-{i}"))
            urls.append(f"http://127.0.0.1:{port}")
        self.witness_args = [a for url in urls for a in ("--witness", url)]
        services, control = (f"127.0.0.1:{free_port()}" for _ in range(2))
        p.serve("trust-services", "trust-services", "--ca", home / "test-ca", "--listen", services, "--control", control,
                "--journal", home / "time-stamps")
        self.trust_args = ["--time-stamp", f"http://{services}/tsa", "--ocsp", f"http://{services}/ocsp"]
        self.trust_control = f"http://{control}/control"
        self.serve_collector()
        self.operate("load", home / "commission" / "roll-1")
        self.phase_event("opened", "open")
        p.say(f"collector at https://{self.server}; witnesses 1 to 3 co-sign its log, two are needed; roll and opening are its first entries")
        p.say("every ballot gets a time-stamp (RFC 3161) and the status of its certificate (OCSP) from services beside it")

    def serve_collector(self):
        port = free_port()
        self.server = f"127.0.0.1:{port}"
        self.p.serve("collector", "collector", "serve", "--dir", self.home / "collector", "--manifest", self.manifest, "--listen", self.server,
                     *self.witness_args, *self.trust_args, passphrase=self.secret_of("collector"))

    def cast_in_bulk(self, plan):
        """Without sockets, straight through the checks into the store; the collector is stopped meanwhile."""
        self.p.stop("collector")
        out = self.p.run("bulk-cast", "--dir", self.home / "collector", "--manifest", self.manifest, "--fingerprint", self.fingerprint,
                         "--plan", plan, "--cards", self.home / "voters" / "cards", *self.trust_args, passphrase=self.secret_of("collector"), show_progress=True)
        self.serve_collector()
        return out

    def vote(self, voter, ballot, *more, expect_failure=False):
        pin1, pin2 = self.tokens[voter]
        chosen = [a for contest, choice in ballot for a in ("--choose", f"{contest}={choice}")]
        return self.p.run("vote", "cast", "--lang", "en", "--server", self.server, "--fingerprint", self.fingerprint, "--module", SOFTHSM, "--voter", voter,
                          "--pin1-file", pin1, "--pin2-file", pin2, "--state", self.home / "voters" / f"{voter}.state", *chosen, "--yes", "--no-terminal-qr", *more,
                          env=self.token_env, expect_failure=expect_failure)

    def cast(self):
        p, home = self.p, self.home
        p.stage("5  Casting")
        casts, self.on_paper, self.restored, self.final = self.e.plan(self.voters)
        with_token = [(v, b) for v, b in casts if v in self.tokens]
        in_bulk = [(v, b) for v, b in casts if v not in self.tokens]
        for n, (voter, ballot) in enumerate(with_token):
            file = lambda ending: home / "voters" / f"ballot-{n + 1}.{ending}"
            self.last_code = file("code")
            self.vote(voter, ballot, "--qr", file("png"), "--code", self.last_code, "--receipt", file("receipt"))
        if with_token:
            p.say(f"{len(with_token)} ballots signed on tokens with PIN2; receipts and verification codes (QR) lie in {home / 'voters'}")
            voter, ballot = with_token[-1]
            self.order("ocsp", fault="suspended", requests=1)
            err = self.vote(voter, ballot, expect_failure=True)
            p.say(f"one whose card is suspended meanwhile is refused: {DIM}{err.strip().splitlines()[0]}{OFF}")
        plan = home / "voters" / "plan.tsv"
        with plan.open("w") as lines:
            lines.writelines(f"{v}\t{','.join(f'{c}={x}' for c, x in b)}\n" for v, b in in_bulk)
        if self.bulk:
            out = self.cast_in_bulk(plan)
        else:
            out = p.run("replay-voters", "--server", self.server, "--fingerprint", self.fingerprint, "--cards", home / "voters" / "cards", "--plan", plan,
                        show_progress=True)
        for line in out.strip().splitlines():
            p.say(line)
        voters = len({v for v, _ in casts})
        p.say(f"{len(casts):,} ballots by {voters:,} voters: {len(casts) - voters:,} replaced an earlier one")
        stranger = next(iter(self.make_stranger()))
        err = self.p.run("vote", "cast", "--lang", "en", "--server", self.server, "--fingerprint", self.fingerprint, "--card-file", home / "voters" / "stranger-cards",
                         "--voter", stranger, "--state", home / "voters" / "stranger.state", *self.first_choice(), "--yes", "--no-terminal-qr", expect_failure=True)
        p.say(f"somebody with a valid card who is on no roll is refused: {DIM}{err.strip().splitlines()[0]}{OFF}")
        if with_token:
            out = p.run("vote", "check", "--code", self.last_code, "--server", self.server, "--fingerprint", self.fingerprint, "--state", home / "voters" / "phone.state")
            p.say("a voter's second device opens her code and sees:")
            for line in out.strip().splitlines():
                p.say(f"{DIM}| {line}{OFF}")

    def order(self, service, **what):
        """The next answers of a trust service, by its control port."""
        request = urllib.request.Request(f"{self.trust_control}/{service}", json.dumps(what).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10):
            pass

    def first_choice(self):
        unit = self.e.units[0]
        out = []
        for uc in unit["contests"]:
            contest = next(c for c in self.e.contests if c["id"] == uc["contest"])
            chosen = next(l for l in contest["lists"] if l["id"] == uc["list"])["choices"][0]["id"]
            out += ["--choose", f"{uc['contest']}={chosen}"]
        return out

    def make_stranger(self):
        out = self.home / "voters" / "stranger.tsv"
        self.p.run("test-ca", "roll", "--count", "1", "--first", "60000000", "--units", "x", "--out", out)
        self.p.run("test-ca", "issue", "--dir", self.home / "test-ca", "--roll", out, "--out", self.home / "voters" / "stranger-cards")
        return [line.split("\t")[0] for line in out.read_text().splitlines() if line and not line.startswith("#")]

    def close(self):
        p, home = self.p, self.home
        p.stage("6  Paper ballots prevail, casting closes, the log is sealed")
        self.phase_event("closed", "close")
        for number, (kind, command, ids) in enumerate((("revocation", "revoke", self.on_paper), ("restoration", "restore", self.restored)), 1):
            if not ids:
                continue
            listing = home / "commission" / f"{kind}.txt"
            listing.write_text("\n".join(sorted(ids)) + "\n")
            signed = home / "commission" / kind
            p.run("tally", "document", kind, "--manifest", self.manifest, "--in", listing, "--number", number, "--out", signed)
            self.commission_signs("revocation", signed)
            self.operate(command, signed)
        restored = f", {len(self.restored)} restored after an error" if self.restored else ""
        p.say(f"{len(self.on_paper):,} voters also voted on paper: their ballots are revoked{restored}")
        self.phase_event("sealed", "seal")
        self.record = home / "record"
        p.run("collector", "export", "--dir", home / "collector", "--out", self.record, show_progress=True)
        status = json.loads(self.operate("status", "--json"))
        p.say(f"log sealed with {status.get('log_size', status.get('size', 0)):,} entries; collector and witnesses stop; the record leaves for the offline machine")
        p.stop()

    def mix(self):
        p = self.p
        p.stage("7  Prepare: the last unrevoked ballot of each voter, identities stripped")
        out = p.run("mixnet", "prepare", self.record, "--fingerprint", self.fingerprint, show_progress=True)
        for line in out.strip().splitlines()[-3:]:
            p.say(line)
        for i in (1, 2, 3):
            p.stage(f"{7 + i}  Mixer {i} checks all before, permutes, re-encrypts and proves it")
            p.run("mixnet", "mix", self.record, "--key", self.home / f"mixer-{i}" / "key", "--fingerprint", self.fingerprint, "--position", i,
                  passphrase=self.secret_of(f"mixer-{i}"), show_progress=True)

    def count(self):
        p = self.p
        for n, i in enumerate((1, 3)):
            p.stage(f"{11 + n}  Trustee {i} checks all before and decrypts with its share")
            p.run("tally", "decrypt", self.record, "--key", self.home / f"trustee-{i}" / "key", "--share", self.home / f"trustee-{i}" / "share",
                  "--fingerprint", self.fingerprint, passphrase=self.secret_of(f"trustee-{i}"), show_progress=True)
        p.stage("13  Count")
        p.run("tally", "combine", self.record, "--fingerprint", self.fingerprint, show_progress=True)
        p.run("tally", "publish", self.record, "--fingerprint", self.fingerprint, show_progress=True)
        p.say("two of three shares combined, plaintexts counted, result and record published")

    def audit(self):
        p = self.p
        p.stage("14  Audit: one command over the published record")
        out = p.run("audit", "verify", self.record, "--fingerprint", self.fingerprint, "--time-stamps", self.home / "time-stamps",
                    "--json", self.home / "audit.json", show_progress=True)
        for line in out.strip().splitlines():
            p.say(line)
        p.end_stage()

    def compare(self):
        """The tally against what the voters of the plan wanted."""
        result = json.loads((self.record / "public" / "result.json").read_text())
        expected = {}
        unit_of = {v: u for u, ids in self.voters.items() for v in ids}
        list_of = {(u["id"], uc["contest"]): uc["list"] for u in self.e.units for uc in u["contests"]}
        for voter, ballot in self.final.items():
            for contest, choice in ballot:
                key = (contest, list_of[(unit_of[voter], contest)], choice)
                expected[key] = expected.get(key, 0) + 1
        counted = {(c["contest"], c["list"], x["choice"]): x["votes"] for c in result["contests"] for x in c["choices"] if x["votes"]}
        return expected, counted, result


def show_result(election, result, limit=8):
    names = {(c["id"], x["id"]): next(iter(x["names"].values())) for c in election.contests for l in c["lists"] for x in l["choices"]}
    titles = {c["id"]: next(iter(c["title"].values())) for c in election.contests}
    for total in result["contests"]:
        rows = sorted(((c["votes"], c["choice"]) for c in total["choices"]), reverse=True)
        width = max((v for v, _ in rows), default=0) or 1
        rule = ""
        if total["kind"] == "several":  # every choice is mixed and counted apart, so that all ballots stand in each
            width = sum(g["counted"] for g in result["groups"] if (g["contest"], g["list"], g["slot"]) == (total["contest"], total["list"], 0)) or 1
            rule = f": from {total['min']} to {total['max']} marks on each of {width:,} ballots"
        print(f"\n  {BOLD}{titles[total['contest']]}{OFF} ({total['list']}){rule}")
        for votes, choice in rows[:limit]:
            share = f" {100 * votes / width:5.1f} %" if rule else ""
            print(f"    {names[(total['contest'], choice)]:<28.28} {votes:>7,}{share}  {'█' * round(30 * votes / width)}")
        if len(rows) > limit:
            print(f"    and {len(rows) - limit} more")


def show_times(stages, total):
    """Signatures and ballot proofs, which grow with every verification, have columns of their own."""
    print(f"\n{BOLD}Time and peak memory{OFF}")
    print(f"  {'seconds':>9}  {'signatures':>10}  {'proofs':>7}  {'the rest':>8}  {'memory':>8}")
    sums = [0.0, 0.0, 0.0]
    for name, seconds, peak, parts in stages:
        row = f"  {seconds:9.1f}"
        if parts:
            costs = (parts.get("signatures", 0.0), parts.get("ballot proofs", 0.0))
            rest = seconds - sum(costs)
            row += f"  {costs[0]:10.1f}  {costs[1]:7.1f}  {rest:8.1f}"
            sums = [a + b for a, b in zip(sums, (*costs, rest))]
        else:
            row += " " * 31
        print(f"{row}  {peak / 1024:5.0f} MB  {name}")
    print(f"  {total:9.1f}  in all. Memory: the largest process of the stage, services included.")
    print(f"  Stages that verify ballots: {sums[0]:.1f} s for signatures and certificates, {sums[1]:.1f} s for ballot proofs (of the ballots when cast), "
          f"{sums[2]:.1f} s for all the rest.")


def main():
    parser = argparse.ArgumentParser(prog="./psephos demo", description="Runs a whole election on this machine and audits it.")
    parser.add_argument("--replay", metavar="FILE", help="cast a real result table vote by vote (columns: district, its name, number, name, list, votes)")
    parser.add_argument("--district", type=int, metavar="N", help="with --replay: this district only")
    parser.add_argument("--all-districts", action="store_true", help="with --replay: all of them, which is also what happens without --district")
    parser.add_argument("--scale", type=float, default=1.0, metavar="S", help="with --replay: this part of every candidate's votes, e.g. 0.01")
    parser.add_argument("--bulk", action="store_true",
                        help="cast without sockets, straight through the collector's checks into its store (test mode only): the same ballots, "
                             "many times faster; what happens to a replay of more than 20,000 voters anyway")
    parser.add_argument("--cards", choices=("p384", "p256"), help="curve of the voters' keys (default: p384 as on Estonian cards; in bulk p256, "
                        "whose signatures cost a tenth)")
    parser.add_argument("--dir", type=Path, default=ROOT / "demo", help="where everything goes (default: demo/; what was there is replaced)")
    parser.add_argument("--seed", type=int, help="choices of the simulated voters, to repeat a run")
    parser.add_argument("--bin", type=Path, default=ROOT / "build" / "release" / "bin", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if (options.district is not None or options.all_districts or options.scale != 1.0) and not options.replay:
        parser.error("--district, --all-districts and --scale go with --replay")
    if options.district is not None and options.all_districts:
        parser.error("either --district or --all-districts")
    if not 0 < options.scale <= 1:
        parser.error("--scale takes a number above 0, at most 1")
    home = options.dir.resolve()
    if home.exists():
        if any(home.iterdir()) and not (home / ".psephos-demo").exists():
            parser.error(f"{home} holds something else; name another --dir or empty it")
        shutil.rmtree(home)
    home.mkdir(parents=True)
    (home / ".psephos-demo").touch()

    seed = options.seed if options.seed is not None else secrets.randbelow(10**9)
    rng = random.Random(seed)
    parties = Parties(options.bin, home)
    start = time.monotonic()
    try:
        election = Replay(rng, options.replay, options.district, options.scale) if options.replay else BuiltIn(rng)
        print(f"{BOLD}Psephos{OFF}: {election.first_lines}. Every party is a process with secrets of its own, below {home}.")
        run = Election(parties, election, options)
        for step in (run.define, run.ceremony, run.cards, run.open, run.cast, run.close, run.mix, run.count, run.audit):
            step()
        expected, counted, result = run.compare()
    except Failed as failure:
        print(f"\n{RED}The demonstration stopped.{OFF} {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return 130
    finally:
        parties.stop()

    show_result(election, result)
    differences = [k for k in expected.keys() | counted.keys() if expected.get(k, 0) != counted.get(k, 0)]
    print()
    if options.replay:
        table = {k: v for k, v in election.table.items() if v}
        rows = {(l, c): v for (_, l, c), v in counted.items()}
        wrong = [k for k in table.keys() | rows.keys() if table.get(k, 0) != rows.get(k, 0)]
        print(f"  {len(election.table):,} rows of the table compared with the tally: "
              + (f"{GREEN}equal in every row{OFF}" if not wrong else f"{RED}{len(wrong)} differ, e.g. {wrong[0]}{OFF}"))
        differences += wrong
    if differences:
        print(f"{RED}The tally is not what the voters chose: {differences[:3]}{OFF}", file=sys.stderr)
        return 1
    print(f"  {sum(counted.values()):,} votes counted, each as its voter wanted (the simulation knows; nobody else could).")

    show_times(parties.stages, time.monotonic() - start)
    print(f"""
{BOLD}What lies where{OFF}
  record     {run.record}  (public/ is for everybody, sworn/ for mixers, trustees and auditors)
  result     {run.record / 'public' / 'result.html'}
  audit      {home / 'audit.json'}
{BOLD}Try next{OFF}
  {options.bin / 'audit'} verify {run.record} --fingerprint {run.fingerprint}
  … after changing any byte of any file of the record: it names what is wrong.
  ./psephos demo --replay ../shared/data/riigikogu-2023.csv --district 6""")
    return 0


if __name__ == "__main__":
    sys.exit(main())
