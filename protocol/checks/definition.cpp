#include "protocol/checks/definition.h"

#include <algorithm>
#include <set>

#include "crypto/note.h"
#include "crypto/threshold/dkg.h"
#include "crypto/utf8.h"
#include "protocol/eid/certificate.h"
#include "protocol/eid/profile.h"
#include "protocol/labels.h"

namespace psephos {

namespace {

using Check = Result<void, Rejection>;
Check invalid(std::string object) {
  return reject(Reason::kManifestInvalid, std::move(object));
}

/// Characters that hide, reorder or join others, so that two texts could look alike or one could look like
/// something else: zero-width and bidirectional controls, soft hyphen, line and paragraph separators,
/// variation selectors, tags, private use. The zero-width space stays allowed between Khmer letters, which
/// need it to break lines.
bool is_unsafe(char32_t c) {
  return c == 0xad || c == 0x34f || c == 0x61c || (c >= 0x200c && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
         (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0xfff0 && c <= 0xfffb) || (c >= 0xe000 && c <= 0xf8ff) ||
         (c >= 0xe0000 && c <= 0xe0fff) || c >= 0xf0000 || c == 0x180e;
}

bool is_khmer(char32_t c) {
  return c >= 0x1780 && c <= 0x17ff;
}

bool is_safe_text(std::string_view text) {
  std::u32string points;
  for (std::string_view rest = text; !rest.empty();) {
    const auto c = take_code_point(rest);
    if (!c) return false;
    points.push_back(*c);
  }
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (points[i] == 0x200b) {
      if (i == 0 || i + 1 == points.size() || !is_khmer(points[i - 1]) || !is_khmer(points[i + 1]))
        return false;
    } else if (is_unsafe(points[i])) {
      return false;
    } else if (points[i] >= 0x300 && points[i] <= 0x36f) {
      return false;  // a combining mark of a Latin, Greek or Cyrillic letter: the composed letter exists
                     // (NFC)
    }
  }
  return !text.empty() && text.front() != ' ' && text.back() != ' ';
}

/// Every language of the election, once, in its order.
Check check_texts(const Definition& d, const std::vector<Text>& texts, const std::string& object,
                  bool optional = false) {
  if (optional && texts.empty()) return {};
  if (texts.size() != d.languages.size())
    return invalid(object + ": one text in each language of the election");
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].language != d.languages[i]) return invalid(object + ": languages in the election's order");
    if (!is_safe_text(texts[i].text))
      return reject(Reason::kManifestTextUnsafe, object + ", " + texts[i].language.text);
  }
  return {};
}

template <class Range>
bool distinct_ids(const Range& range) {
  std::set<Id> seen;
  return std::all_of(range.begin(), range.end(), [&](const auto& x) { return seen.insert(x.id).second; });
}

Check check_contests(const Definition& d) {
  if (!distinct_ids(d.contests)) return invalid("contests: ids repeat");
  for (const Contest& contest : d.contests) {
    const std::string where = "contest " + contest.id.text;
    if (auto ok = check_texts(d, contest.title, where + ", title"); !ok) return ok;
    if (!distinct_ids(contest.lists)) return invalid(where + ": ids of lists repeat");
    if (const auto& rule = contest.several) {
      if (contest.slots != 1) return invalid(where + ": several slots of several choices");
      if (rule->max < 1 || rule->min > rule->max) return invalid(where + ": min and max");
    }
    for (const ChoiceList& list : contest.lists) {
      const std::string in_list = where + ", list " + list.id.text;
      if (contest.several && contest.several->max > list.choices.size())
        return invalid(in_list + ": fewer choices than may be marked");
      if (!distinct_ids(list.choices)) return invalid(in_list + ": ids of choices repeat");
      for (const Choice& choice : list.choices) {
        const std::string object = in_list + ", choice " + choice.id.text;
        if (auto ok = check_texts(d, choice.names, object); !ok) return ok;
        if (auto ok = check_texts(d, choice.group, object + ", group", true); !ok) return ok;
      }
    }
  }
  return {};
}

Check check_units(const Definition& d) {
  if (!distinct_ids(d.units)) return invalid("units: ids repeat");
  for (const Unit& unit : d.units) {
    const std::string where = "unit " + unit.id.text;
    if (auto ok = check_texts(d, unit.names, where); !ok) return ok;
    std::uint64_t selections = 0;
    std::size_t at = 0;  // contests of a unit come in the definition's order, each at most once
    for (const UnitContest& uc : unit.contests) {
      while (at < d.contests.size() && d.contests[at].id != uc.contest) ++at;
      if (at == d.contests.size())
        return invalid(where + ": contest " + uc.contest.text + " unknown, repeated or out of order");
      const Contest& contest = d.contests[at++];
      const auto list = std::ranges::find(contest.lists, uc.list, &ChoiceList::id);
      if (list == contest.lists.end())
        return invalid(where + ": contest " + uc.contest.text + " has no list " + uc.list.text);
      selections += contest.several ? list->choices.size() : contest.slots;
    }
    if (selections > limits::kSelections) return invalid(where + ": more selections than a ballot holds");
  }
  return {};
}

/// Valid from the first ballot to the last one's evidence.
Check check_anchors(const std::vector<Bytes>& anchors, const Periods& periods, const std::string& list) {
  constexpr std::uint64_t kEvidenceMargin_s = 86'400;
  for (std::size_t i = 0; i < anchors.size(); ++i) {
    const std::string where = "eid." + list + "[" + std::to_string(i) + "]";
    const auto certificate = parse_certificate(anchors[i]);
    if (!certificate) return invalid(where + ": " + std::string(name_of(certificate.error())));
    if (const auto good = check_issuer_profile(*certificate); !good)
      return invalid(where + ": " + std::string(name_of(good.error())));
    // A certificate's times are from 1950 to 9999, the definition's anything that 64 bits hold.
    const auto not_before = std::max<std::int64_t>(certificate->not_before_unix_s, 0);
    const auto not_after = std::max<std::int64_t>(certificate->not_after_unix_s, 0);
    if (static_cast<std::uint64_t>(not_before) > periods.casting_begins_s ||
        static_cast<std::uint64_t>(not_after) < kEvidenceMargin_s ||
        static_cast<std::uint64_t>(not_after) - kEvidenceMargin_s < periods.grace_ends_s)
      return reject(Reason::kManifestAnchorExpiry, where);
  }
  return {};
}

Check check_eid(const Definition& d) {
  if (const auto profile = voter_profile_of(d.eid); !profile) return invalid("eid: " + profile.error());
  if (auto ok = check_anchors(d.eid.anchors, d.periods, "anchors"); !ok) return ok;
  return check_anchors(d.eid.time_stamp_anchors, d.periods, "time_stamp_anchors");
}

Check check_rosters(const Definition& d) {
  std::set<ByteArray<32>> keys;
  std::set<std::string> names;
  const auto check_key = [&](const ByteArray<32>& key, const std::string& object) -> Check {
    if (!VerifyKey::decode(key)) return invalid(object + ": not a signature key");
    if (!keys.insert(key).second) return invalid(object + ": this key has another role already");
    return {};
  };
  const auto check_roster = [&](const auto& roster, const std::string& role) -> Check {
    for (const auto& member : roster) {
      if (!is_safe_text(member.name)) return reject(Reason::kManifestTextUnsafe, role + " " + member.name);
      if (!names.insert(role + "/" + member.name).second)
        return invalid(role + " " + member.name + ": name repeats");
      if (auto ok = check_key(member.key, role + " " + member.name); !ok) return ok;
    }
    return {};
  };
  if (auto ok = check_roster(d.commission, "commission"); !ok) return ok;
  if (auto ok = check_roster(d.trustees, "trustee"); !ok) return ok;
  if (auto ok = check_roster(d.mixers, "mixer"); !ok) return ok;
  if (auto ok = check_roster(d.witnesses, "witness"); !ok) return ok;
  if (auto ok = check_key(d.collector.log_key, "collector, log key"); !ok) return ok;
  if (auto ok = check_key(d.collector.service_key, "collector, service key"); !ok) return ok;
  std::set<Ristretto::Point> ceremony_keys;
  for (const Trustee& trustee : d.trustees)
    if (!ceremony_keys.insert(trustee.ceremony_key).second)
      return invalid("trustee " + trustee.name + ": ceremony key repeats");
  for (const Member& witness : d.witnesses)
    if (!is_key_name(witness.name)) return invalid("witness " + witness.name + ": not a C2SP key name");
  if (!is_key_name(d.collector.origin)) return invalid("collector, origin: not a C2SP key name");
  // A quorum leaves room for at least one absence, and nobody decides alone about the key.
  if (d.trustee_quorum < 2 || d.trustee_quorum >= d.trustees.size())
    return reject(Reason::kManifestThreshold, "trustees");
  if (d.witness_quorum >= d.witnesses.size()) return reject(Reason::kManifestThreshold, "witnesses");
  if (d.commission_quorum > d.commission.size()) return reject(Reason::kManifestThreshold, "commission");
  if (d.mixers.size() < 2) return reject(Reason::kManifestThreshold, "mixers");
  return {};
}

}  // namespace

Result<void, Rejection> check_definition(const Definition& d) {
  if (d.suite != labels::kSuite) return reject(Reason::kSuiteUnsupported, d.suite);
  if (std::set<Id>(d.languages.begin(), d.languages.end()).size() != d.languages.size())
    return invalid("languages: repeated");
  if (auto ok = check_texts(d, d.title, "title"); !ok) return ok;
  if (auto ok = check_contests(d); !ok) return ok;
  if (auto ok = check_units(d); !ok) return ok;
  const Periods& p = d.periods;
  if (p.casting_begins_s >= p.casting_ends_s || p.casting_ends_s > p.grace_ends_s)
    return invalid("periods: not in order");
  if (auto ok = check_eid(d); !ok) return ok;
  return check_rosters(d);
}

Result<Bytes, Rejection> ceremony_payload(const Definition& definition, const Digest256& definition_hash,
                                          std::uint64_t attempt, CeremonyStep step, std::uint64_t trustee,
                                          const SignedDocument& document) {
  const std::string who =
      "trustee " + std::to_string(trustee) + ", step " + std::to_string(static_cast<int>(step));
  auto message = decode<CeremonyMessage>(document.body);
  if (!message) return std::unexpected(message.error());
  if (message->definition_hash != definition_hash) return reject(Reason::kElectionFpMismatch, who);
  if (message->attempt != attempt || message->step != step || message->trustee != trustee)
    return reject(Fault::kDkgSetup, who);
  const auto& signatures = document.signatures;
  const auto key = VerifyKey::decode(definition.trustees[trustee - 1].key);
  if (!key || signatures.size() != 1 || signatures[0].signer != trustee ||
      !verify_labelled(*key, labels::kSignCeremony, document.body, signatures[0].signature))
    return reject(Reason::kSigInvalid, who);
  return std::move(message->payload);
}

namespace {

/// One step's messages, in trustee order.
Result<std::vector<Bytes>, Rejection> ceremony_payloads(const Definition& definition,
                                                        const Digest256& definition_hash,
                                                        std::uint64_t attempt, CeremonyStep step,
                                                        const std::vector<SignedDocument>& messages) {
  if (messages.size() != definition.trustees.size())
    return reject(Fault::kDkgSetup, "messages of the ceremony");
  std::vector<Bytes> payloads;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    auto payload = ceremony_payload(definition, definition_hash, attempt, step, i + 1, messages[i]);
    if (!payload) return std::unexpected(payload.error());
    payloads.push_back(std::move(*payload));
  }
  return payloads;
}

/// §7.4: a ceremony with a complaint has no outcome, whoever is in the wrong. Names the complainer and the
/// verdict of §7.5.
Result<void, Rejection> check_no_complaint(const Definition& definition, const Digest256& definition_hash,
                                           const KeyCeremony& ceremony, const DkgSetup& setup,
                                           std::span<const DkgAnnouncement> announcements,
                                           std::span<const Bytes> openings) {
  if (ceremony.complaints.empty()) return {};
  const SignedDocument& complaint = ceremony.complaints.front();
  const std::uint64_t complainer = complaint.signatures.empty() ? 0 : complaint.signatures.front().signer;
  if (complainer < 1 || complainer > definition.trustees.size())
    return reject(Reason::kSigInvalid, "complaint of the ceremony");
  const auto payload = ceremony_payload(definition, definition_hash, ceremony.attempt,
                                        CeremonyStep::kComplain, complainer, complaint);
  if (!payload) return std::unexpected(payload.error());
  const DkgRejection verdict = judge_dkg_complaint_vartime(setup, announcements, openings,
                                                           static_cast<std::uint32_t>(complainer), *payload);
  return reject(Reason::kDkgComplaintUnresolved, "complaint of trustee " + std::to_string(complainer) + ": " +
                                                     std::string(name_of(verdict.fault)) + ", trustee " +
                                                     std::to_string(verdict.culprit));
}

}  // namespace

Result<DkgSetup, Rejection> ceremony_setup(const Definition& definition, const Digest256& definition_hash,
                                           std::uint64_t attempt) {
  std::vector<Ristretto::Point> static_keys;
  for (const Trustee& trustee : definition.trustees) static_keys.push_back(trustee.ceremony_key);
  auto setup = DkgSetup::create({labels::kSuite, definition_hash, attempt},
                                static_cast<std::uint32_t>(definition.trustee_quorum), static_keys);
  if (!setup) return reject(setup.error().fault, "trustee " + std::to_string(setup.error().culprit));
  return std::move(*setup);
}

Result<CeremonyOutcome, Rejection> check_key_ceremony(const Definition& definition,
                                                      const KeyCeremony& ceremony) {
  const Digest256 definition_hash = sha256(encode(definition));
  const auto setup = ceremony_setup(definition, definition_hash, ceremony.attempt);
  if (!setup) return std::unexpected(setup.error());
  const auto payloads = [&](CeremonyStep step, const std::vector<SignedDocument>& messages) {
    return ceremony_payloads(definition, definition_hash, ceremony.attempt, step, messages);
  };
  const auto announcements = payloads(CeremonyStep::kAnnounce, ceremony.announcements);
  if (!announcements) return std::unexpected(announcements.error());
  auto openings = payloads(CeremonyStep::kOpen, ceremony.openings);
  if (!openings) return std::unexpected(openings.error());
  DkgTranscript transcript;
  for (std::size_t i = 0; i < announcements->size(); ++i) {
    const auto announcement = DkgAnnouncement::decode((*announcements)[i]);
    if (!announcement)
      return reject(announcement.error(), "trustee " + std::to_string(i + 1) + ", announcement");
    transcript.announcements.push_back(*announcement);
  }
  transcript.openings = std::move(*openings);
  // Before the certificates: who complains does not certify.
  if (auto ok = check_no_complaint(definition, definition_hash, ceremony, *setup, transcript.announcements,
                                   transcript.openings);
      !ok)
    return std::unexpected(ok.error());
  const auto certificates = payloads(CeremonyStep::kCertify, ceremony.certificates);
  if (!certificates) return std::unexpected(certificates.error());
  for (std::size_t i = 0; i < certificates->size(); ++i) {
    if ((*certificates)[i].size() != DkgCertificate{}.size())
      return reject(Fault::kWireLength, "trustee " + std::to_string(i + 1) + ", certificate");
    DkgCertificate certificate{};
    std::copy((*certificates)[i].begin(), (*certificates)[i].end(), certificate.begin());
    transcript.certificates.push_back(certificate);
  }
  auto keys = verify_dkg_transcript_vartime(*setup, transcript);
  if (!keys) {
    const std::uint32_t culprit = keys.error().culprit;
    return reject(keys.error().fault, culprit == 0 ? "key ceremony" : "trustee " + std::to_string(culprit));
  }
  return CeremonyOutcome{keys->joint_key, std::move(keys->verification_keys)};
}

}  // namespace psephos
