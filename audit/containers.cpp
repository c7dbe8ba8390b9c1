#include "audit/containers.h"

#include <algorithm>
#include <ctime>

#include "protocol/checks/admission.h"
#include "protocol/checks/ballot_proofs.h"
#include "protocol/checks/signed_ballot.h"
#include "protocol/container.h"
#include "protocol/eid/certificate.h"
#include "protocol/record_layout.h"

namespace psephos {
namespace {

constexpr std::size_t kEntryBytes = std::tuple_size_v<EntryBytes>;

std::string entry_object(std::uint64_t index) {
  return "entry " + std::to_string(index);
}
std::unexpected<Rejection> reject_at(std::uint64_t index, const Rejection& rejection) {
  return reject(rejection.reason,
                entry_object(index) + (rejection.object.empty() ? "" : ", " + rejection.object));
}

std::string_view name_of_type(EntryType type) {
  switch (type) {
    case EntryType::kPhase:
      return "a phase event";
    case EntryType::kRoll:
      return "a roll";
    case EntryType::kBallot:
      return "a ballot";
    case EntryType::kRefusal:
      return "a refusal";
    case EntryType::kRevocation:
      return "a revocation list";
  }
  return "";
}

/// The container that a ballot's entry commits to.
Result<LoggedContainer, Rejection> open_ballot_entry(std::uint64_t index, const EntryBytes& entry,
                                                     const Result<ByteView, Rejection>& opening) {
  if (!opening) return reject(Reason::kBallotLost, entry_object(index));
  const auto logged = decode<LoggedItem>(*opening);
  if (!logged) return reject(Reason::kBallotLost, entry_object(index));
  if (make_entry(EntryType::kBallot, logged->salt, logged->item) != entry)
    return reject(Reason::kLogLeafMismatch, entry_object(index));
  auto item = decode<BallotItem>(logged->item);
  if (!item) return reject_at(index, item.error());
  const auto read = read_container(item->envelope.container);
  if (!read) return reject_at(index, read.error());
  return LoggedContainer{
      .index = index, .id = sha256(read->ballot), .container = std::move(item->envelope.container)};
}

std::string pem(ByteView der) {
  const std::string text = to_base64(der);
  std::string out = "-----BEGIN CERTIFICATE-----\n";
  for (std::size_t at = 0; at < text.size(); at += 64) out += text.substr(at, 64) + "\n";
  return out + "-----END CERTIFICATE-----\n";
}

std::string utc(std::int64_t unix_s) {
  const std::time_t at = unix_s;
  std::tm parts{};
  char out[] = "0000-00-00T00:00:00Z";
  if (gmtime_r(&at, &parts) == nullptr || std::strftime(out, sizeof out, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
    return std::to_string(unix_s);
  return out;
}

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
}

// Indented lines are commands; a test runs them.
constexpr std::string_view kReadme = R"README(BALLOT CONTAINERS

These files name people and show when they voted. They do not show what anybody chose: ballot.bin is
encrypted. Whoever may see them keeps them as the sworn tier of the record is kept.

Election     @TITLE@
Fingerprint  compare it with the one that the commission announced:
@FINGERPRINT@
Each file NUMBER-ID.asice is the container (ASiC-E with XAdES-B-LT) of the ballot in entry NUMBER of the
election's log; ID is how SHA-256 of its ballot.bin begins. That the entry is in the log, and the log the one
that witnesses cosigned, `audit verify` shows, or by hand SPEC.md sections 8 and 11.9.

voters-ca.pem, voters-root-*.pem   the authorities that the election trusts for voters' certificates
time-stamp-ca.pem                  ... and for time-stamps
They stand in the election's manifest, which its fingerprint covers. Better still, get them from the
authorities themselves.

CHECKING ONE with unzip, GNU sed and date, xmlsec1 and openssl. With our own program:
`audit container-check FILE --manifest RECORD/public/manifest --fingerprint ...`

1. The archive, and what is in it.

    C=@EXAMPLE@
    unzip -t "$C"
    rm -rf unpacked
    unzip -q -d unpacked "$C"
    cd unpacked
    X=META-INF/signatures0.xml
    value() { sed -n "s|.*<$1>\([^<]*\)</$1>.*|\1|p" "$X" | base64 -d; }
    value ds:X509Certificate > signer.der
    value xades:EncapsulatedX509Certificate > issuer.der
    value xades:EncapsulatedTimeStamp > time-stamp.der
    value xades:EncapsulatedOCSPValue > status.der
    sed 's|.*\(<ds:SignatureValue.*</ds:SignatureValue>\).*|\1|' "$X" | tr -d '\n' > signature-value.xml
    openssl x509 -inform DER -in signer.der -out signer.pem
    openssl x509 -inform DER -in issuer.der -out issuer.pem

2. Who signed, and the ballot's id, which begins the file's name after the dash.

    openssl x509 -in signer.pem -noout -subject -nameopt utf8,sep_comma_plus
    sha256sum ballot.bin

3. The time-stamp, and the time T that it says. Wanted: "Verification: OK".

    openssl ts -reply -token_in -in time-stamp.der -text > time-stamp.txt
    grep "^Time stamp: " time-stamp.txt
    T=$(date -u -d "$(sed -n 's/^Time stamp: //p' time-stamp.txt)" +%s)
    openssl ts -verify -token_in -in time-stamp.der -data signature-value.xml \
      -CAfile ../time-stamp-ca.pem -partial_chain -attime "$T"

4. The voter's signature over ballot and signed properties, and her certificate's chain at T.
   Wanted: "SignedInfo References (ok/all): 2/2", and no failure.

    xmlsec1 --verify --enabled-key-data x509@ROOTS@ --untrusted-pem issuer.pem \
      --verification-gmt-time "$(date -u -d "@$T" '+%Y-%m-%d %H:%M:%S')" \
      --id-attr:Id http://uri.etsi.org/01903/v1.3.2#:SignedProperties \
      --url-map:ballot.bin ballot.bin "$X"

5. Her certificate was good then. Wanted: "Response verify OK" and "signer.pem: good". openssl compares the
   answer's times with today, which -validity_period switches off.

    openssl ocsp -respin status.der -sha256 -issuer issuer.pem -cert signer.pem -no_nonce \
      -CAfile ../voters-ca.pem -attime "$T" -validity_period 999999999

6. The status is younger than the time-stamp: its nonce is the hash of the time-stamp, which nobody knew
   before. Wanted: the same 64 digits twice (openssl puts 0420 before them). "Produced At" is at most 15
   minutes after T, and "This Update" at most 15 minutes before that.

    { printf %s psephos-1/nonce/ocsp; cat time-stamp.der; } | sha256sum
    openssl ocsp -respin status.der -noverify -text > status.txt
    grep -E -A1 "Produced At|This Update|Nonce" status.txt

7. The request for the time-stamp was this ballot's. Wanted: the same 16 digits twice, but for zeros that
   openssl leaves out at the beginning.

    { printf %s psephos-1/nonce/time-stamp; cat signature-value.xml; } | sha256sum | cut -c 1-16
    grep "^Nonce: " time-stamp.txt

What these programs do not look at: that the certificate is one of a card for signatures (policies, key
usage), that its person is the voter whose pseudonym the ballot bears, that the ballot is well-formed and
proves it, that its container is in the log. `audit container-check` looks at all but the last, and `audit
verify` at that.
)README";

}  // namespace

std::string container_name(const LoggedContainer& logged) {
  return std::to_string(logged.index) + "-" + to_hex(logged.id).substr(0, 16) + ".asice";
}

Result<std::uint64_t, Rejection> take_containers(
    const RecordReader& record, const WantedBallots& wanted,
    const std::function<Result<void, Rejection>(const LoggedContainer&)>& take,
    const std::function<void(std::uint64_t done, std::uint64_t total)>& progress) {
  const auto entries = record.read(layout::log_entries());
  if (!entries) return std::unexpected(entries.error());
  if (entries->view.size() % kEntryBytes != 0) return reject(Reason::kLogTruncated, layout::log_entries());
  const std::uint64_t count = entries->view.size() / kEntryBytes;
  const auto* const index_wanted = std::get_if<std::uint64_t>(&wanted);
  const auto* const id_wanted = std::get_if<BallotId>(&wanted);
  const auto entry_at = [&](std::uint64_t i) {
    EntryBytes entry{};
    std::ranges::copy(entries->view.subspan(static_cast<std::size_t>(i) * kEntryBytes, kEntryBytes),
                      entry.begin());
    return entry;
  };
  if (index_wanted != nullptr) {
    if (*index_wanted >= count)
      return reject(Reason::kUsage, "the log has " + std::to_string(count) + " entries, numbered from 0");
    const auto type = type_of(entry_at(*index_wanted));
    if (!type) return reject(Reason::kLogEntryUnknown, entry_object(*index_wanted));
    if (*type != EntryType::kBallot)
      return reject(Reason::kUsage, entry_object(*index_wanted) + " is " + std::string(name_of_type(*type)) +
                                        ", not a ballot");
  }
  const auto items = record.read(layout::log_items());
  if (!items) return std::unexpected(items.error());

  ItemCursor cursor(items->view);
  std::uint64_t taken = 0;
  std::uint64_t at_fault = 0;
  std::optional<Rejection> first;
  const std::uint64_t end = index_wanted != nullptr ? *index_wanted + 1 : count;
  std::size_t forgotten = 0;
  for (std::uint64_t i = 0; i < end; ++i) {
    const auto opening = cursor.next();
    const EntryBytes entry = entry_at(i);
    if (progress) progress(i + 1, end);
    if (cursor.position() - forgotten > std::size_t{16} << 20) {
      items->forget(forgotten, cursor.position());
      forgotten = cursor.position();
    }
    if (index_wanted != nullptr && i != *index_wanted) continue;
    const auto type = type_of(entry);
    if (type && *type != EntryType::kBallot) continue;
    const auto found =
        type ? open_ballot_entry(i, entry, opening)
             : Result<LoggedContainer, Rejection>(reject(Reason::kLogEntryUnknown, entry_object(i)));
    if (!found) {
      ++at_fault;
      if (!first) first = found.error();
      continue;
    }
    if (id_wanted != nullptr && found->id != *id_wanted) continue;
    if (auto ok = take(*found); !ok) return std::unexpected(ok.error());
    ++taken;
    if (id_wanted != nullptr) return taken;
  }
  if (first) {
    if (at_fault > 1) first->object += ", and " + std::to_string(at_fault - 1) + " more entries at fault";
    return std::unexpected(*first);
  }
  if (id_wanted != nullptr)
    return reject(Reason::kUsage, "no entry of the log is of the ballot " + to_hex(*id_wanted));
  return taken;
}

std::vector<NewFile> container_companions(const Election& election, const std::string& example) {
  const EidProfile& eid = election.definition().eid;
  std::vector<NewFile> files;
  const auto add = [&](std::string path, std::string_view text) {
    files.push_back({std::move(path), copy_of(bytes_of(text))});
  };
  std::string all;
  std::string roots;
  std::size_t number = 0;
  for (const Bytes& anchor : eid.anchors) {
    all += pem(anchor);
    const auto certificate = parse_certificate(anchor);
    if (!certificate || !equal(certificate->issuer, certificate->subject)) continue;
    const std::string name = "voters-root-" + std::to_string(++number) + ".pem";
    add(name, pem(anchor));
    roots += " --trusted-pem ../" + name;
  }
  add("voters-ca.pem", all);
  std::string time_stamps;
  for (const Bytes& anchor : eid.time_stamp_anchors) time_stamps += pem(anchor);
  add("time-stamp-ca.pem", time_stamps);
  std::string spoken = spoken_fingerprint(election.fingerprint());
  replace_all(spoken, "\n", "\n  ");
  spoken.resize(spoken.find_last_not_of(' ') + 1);
  std::string readme(kReadme);
  replace_all(readme, "@TITLE@", election.definition().title.front().text);
  replace_all(readme, "@FINGERPRINT@", "  " + spoken);
  replace_all(readme, "@EXAMPLE@", example);
  replace_all(readme, "@ROOTS@", roots);
  add("README.txt", readme);
  return files;
}

std::string ContainerReport::text() const {
  std::string out;
  for (const ContainerCheck& check : checks)
    out += (check.fault ? "FAIL  " : "ok    ") + check.name + ": " +
           (check.fault ? to_string(*check.fault) : check.says) + "\n";
  return out + (accepted() ? "accepted: " + verdict : "refused") + "\n";
}

ContainerReport check_container(const Election& election, const EidVerifier& eid, ByteView container) {
  ContainerReport report;
  const auto passed = [&](std::string name, std::string says) {
    report.checks.push_back({std::move(name), std::move(says), std::nullopt});
  };
  const auto failed = [&](std::string name, const Rejection& fault) {
    report.checks.push_back({std::move(name), "", fault});
    return report;
  };
  const auto read = read_container(container);
  if (!read) return failed("container", read.error());
  passed("container", std::to_string(container.size()) + " bytes, one signature document of the one form");

  const auto ballot = decode_ballot(election, read->ballot);
  if (!ballot) return failed("ballot", ballot.error());
  const std::string id = to_hex(sha256(read->ballot));
  passed("ballot", "id " + id);
  if (ballot->fingerprint != election.fingerprint())
    return failed("election", {Reason::kElectionFpMismatch, "ballot"});
  passed("election", election.definition().election.text + ", unit " + ballot->unit.text + ", ballot " +
                         std::to_string(ballot->counter) + " of this voter");

  const auto stamped = check_evidence(eid, *read);
  if (!stamped) return failed("evidence", stamped.error());
  const std::string at = utc(*stamped);
  passed("evidence", "time-stamped " + at + "; after that the authority said: good");
  if (auto ok = check_times(election, *stamped, static_cast<std::uint64_t>(*stamped) * 1000, UINT64_MAX); !ok)
    return failed("time", ok.error());
  passed("time", "within the period of casting");

  const auto signer = check_signer(eid, *read, *stamped);
  if (!signer) return failed("signature", signer.error());
  const Person& person = signer->person;
  const std::string who = person.given_name + " " + person.surname + " " + person.national_id;
  passed("signature", who + "; she says " + utc(static_cast<std::int64_t>(read->signing_time_s)));
  if (election.pseudonym_of(person.national_id) != ballot->pseudonym)
    return failed("voter", {Reason::kSignerNotPseudonym, "ballot"});
  passed("voter", "the ballot bears the signer's pseudonym");

  if (auto ok = check_ballot_shape(election, *ballot); !ok) return failed("selections", ok.error());
  if (auto ok = check_ballot_proofs(election, *ballot); !ok) return failed("selections", ok.error());
  passed("selections",
         std::to_string(ballot->selections.size()) + ", each proved to hold one of its choices");
  report.verdict = who + " signed ballot " + id + " before " + at;
  return report;
}

}  // namespace psephos
