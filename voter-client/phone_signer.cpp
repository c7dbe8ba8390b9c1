#include "voter-client/phone_signer.h"

#include <utility>

#include "crypto/invariant.h"
#include "protocol/eid/certificate.h"
#include "voter-client/core/ask.h"
#include "voter-client/message_hash.h"

namespace psephos {
namespace {

constexpr std::size_t kAnswerBytes = 65'536;
constexpr std::uint64_t kSession_ms = 120'000;
constexpr std::uint64_t kBetweenPolls_ms = 1000;  // from begin to begin; the collector holds polls back

std::unexpected<Rejection> cancelled_here() {
  return reject(Reason::kMobileCancelled, "on this computer");
}

/// True if an answer has what its state and action demand, and nothing else.
bool well_formed(const PhoneAnswer& answer, PhoneAction action) {
  const bool finished = answer.state == PhoneState::kFinished;
  return answer.certificate.empty() != (finished && action != PhoneAction::kSign) &&
         answer.signature.empty() != (finished && action != PhoneAction::kCertificate);
}

}  // namespace

std::string phone_code(PhoneMethod method, ByteView hash) {
  invariant(!hash.empty(), "callers hash first");
  unsigned number = 0;
  if (method == PhoneMethod::kMobileId) {
    number = static_cast<unsigned>(hash.front() >> 2U) << 7U | (hash.back() & 0x7fU);
  } else {
    const Digest256 again = sha256(hash);
    number = (static_cast<unsigned>(again[30]) << 8U | again[31]) % 10'000;
  }
  std::string digits = std::to_string(number);
  digits.insert(0, 4 - digits.size(), '0');  // 13 bits are 8191 at most
  return digits;
}

Result<PhoneAnswer, Rejection> PhoneSigner::ask(PhoneAction action, std::optional<HashToSign> hash) {
  if (cancelled_) return cancelled_here();
  const PhoneStart start{.fingerprint = election_.fingerprint(),
                         .method = account_.method,
                         .action = action,
                         .national_id = account_.national_id,
                         .phone_number = account_.phone_number,
                         .language = account_.language,
                         .hash = std::move(hash),
                         .ticket = action == PhoneAction::kAuthenticate ? std::nullopt : ticket_};
  const auto started = ask_collector(transport_, election_, "/v1/phone/start", encode(start), kAnswerBytes);
  if (!started) return std::unexpected(started.error());
  const auto session = decode<PhoneSession>(*started);
  if (!session) return std::unexpected(session.error());

  const Bytes poll = encode(PhonePoll{election_.fingerprint(), session->session});
  const std::uint64_t ends_ms = clock_.now_ms() + kSession_ms;
  Rejection over{Reason::kMobileTimeout, ""};
  for (;;) {
    if (cancelled_) return cancelled_here();
    const std::uint64_t now_ms = clock_.now_ms();
    if (now_ms >= ends_ms) return std::unexpected(over);
    observer_.waiting((ends_ms - now_ms + 999) / 1000);
    const auto answered = ask_collector(transport_, election_, "/v1/phone/poll", poll, kAnswerBytes);
    if (cancelled_) return cancelled_here();
    if (answered) {
      auto answer = decode<PhoneAnswer>(*answered);
      if (!answer) return std::unexpected(answer.error());
      if (!well_formed(*answer, action)) return reject(Reason::kWireNoncanonical, "PhoneAnswer");
      if (answer->state == PhoneState::kFinished) return std::move(*answer);
      over = {Reason::kMobileTimeout, ""};
    } else if (answered.error().reason == Reason::kServiceUnavailable ||
               answered.error().reason == Reason::kRateLimited) {
      over = answered.error();
    } else {
      return std::unexpected(answered.error());
    }
    const std::uint64_t next_ms = now_ms + kBetweenPolls_ms;
    if (const std::uint64_t then_ms = clock_.now_ms(); then_ms < next_ms) clock_.sleep_ms(next_ms - then_ms);
  }
}

Result<Bytes, Rejection> PhoneSigner::signing_certificate() {
  if (!signing_certificate_.empty()) return signing_certificate_;
  auto answer = ask(PhoneAction::kCertificate, std::nullopt);
  if (!answer) return std::unexpected(answer.error());
  const auto refused = [](Reason reason) { return reject(reason, "the phone's signing certificate"); };
  const auto certificate = parse_certificate(answer->certificate);
  if (!certificate) return refused(certificate.error());
  if (auto fits = check_voter_profile(*certificate, KeyUse::kSigning); !fits) return refused(fits.error());
  const auto person = person_of(*certificate);
  if (!person) return refused(person.error());
  if (person->national_id != account_.national_id) return reject(Reason::kVoterMismatch, person->national_id);
  if (auto issuer = eid_.issuer_of(answer->certificate); !issuer) return refused(issuer.error());
  signing_certificate_ = std::move(answer->certificate);
  return signing_certificate_;
}

Result<Signed, Rejection> PhoneSigner::sign(KeyUse use, ByteView message) {
  const bool authenticate = use == KeyUse::kAuthentication;
  SignatureScheme scheme = SignatureScheme::kEcdsaSha256;  // of an authentication key any with this digest
  if (!authenticate) {
    const auto der = signing_certificate();
    if (!der) return std::unexpected(der.error());
    const auto certificate = parse_certificate(*der);
    const auto its = certificate ? voter_scheme(*certificate) : std::nullopt;
    invariant(its.has_value(), "signing_certificate() checks the profile of voters");
    scheme = *its;
  }
  HashToSign hash{digest_of(scheme) == DigestAlgorithm::kSha256 ? PhoneHash::kSha256 : PhoneHash::kSha384,
                  message_hash(scheme, message)};
  if (cancelled_) return cancelled_here();
  observer_.code(phone_code(account_.method, hash.value), use);
  auto answer =
      ask(authenticate ? PhoneAction::kAuthenticate : PhoneAction::kSign, std::optional(std::move(hash)));
  if (!answer) return std::unexpected(answer.error());

  Bytes certificate = authenticate ? std::move(answer->certificate) : signing_certificate_;
  const auto person =
      eid_.verify(certificate, use, message, answer->signature, static_cast<std::int64_t>(clock_.now_s()));
  if (!person)
    return reject(person.error() == Reason::kSigInvalid ? Reason::kMobileHashMismatch : person.error(),
                  authenticate ? "the phone's authentication" : "the phone's signature");
  if (person->national_id != account_.national_id) return reject(Reason::kVoterMismatch, person->national_id);
  return Signed{std::move(certificate), std::move(answer->signature)};
}

}  // namespace psephos
