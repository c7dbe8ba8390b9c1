#pragma once
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/eid.h"
#include "protocol/election.h"
#include "protocol/phone.h"
#include "voter-client/core/client_clock.h"
#include "voter-client/core/transport.h"
#include "voter-client/signer.h"

namespace psephos {

/// The four digits of SPEC §9.10 that phone and client show for a hash. @pre the hash is not empty.
std::string phone_code(PhoneMethod method, ByteView hash);

/// Whose phone it is.
struct PhoneAccount {
  PhoneMethod method = PhoneMethod::kMobileId;
  NationalId national_id;
  std::string phone_number;  ///< "+37200000766"; empty for Smart-ID
  Id language;               ///< of what the phone shows
};

/// Tells the voter what the phone does.
class PhoneObserver {
 public:
  virtual ~PhoneObserver() = default;
  /// The phone is about to ask for a PIN, and shows these digits, or something is wrong. Called before the
  /// phone hears of it.
  virtual void code(std::string_view four_digits, KeyUse use) = 0;
  /// So long at most until it is over. Called before each poll.
  virtual void waiting(std::uint64_t seconds_left) { static_cast<void>(seconds_left); }
};

/// Mobile-ID or Smart-ID by way of the collector, after SPEC §9.10. The collector is not believed: hash and
/// code are computed here, and a signature is taken only when it is the person's own over the message under a
/// certificate of the election's profile and anchors.
class PhoneSigner final : public Signer {
 public:
  /// All but the account are kept by reference and outlive the signer. @pre the transport is pinned to the
  /// manifest's certificate. `cancelled` may be set at any time, by a signal handler or another thread.
  PhoneSigner(const Election& election, const EidVerifier& eid, Transport& transport, ClientClock clock,
              PhoneAccount account, PhoneObserver& observer, const std::atomic<bool>& cancelled)
      : election_(election),
        eid_(eid),
        transport_(transport),
        clock_(std::move(clock)),
        account_(std::move(account)),
        observer_(observer),
        cancelled_(cancelled) {}

  /// Asked for once and kept. Needs the ticket.
  /// @return as `sign`, but for MOBILE_HASH_MISMATCH.
  Result<Bytes, Rejection> signing_certificate() override;

  /// Polls until the phone has answered; two minutes after the session's start no poll begins any more. An
  /// answer that comes after `cancelled` was set is thrown away. Authentication comes with the certificate of
  /// the phone's choice; signing is with that of signing_certificate(), and needs the ticket.
  /// @return MOBILE_TIMEOUT; MOBILE_CANCELLED; MOBILE_HASH_MISMATCH for a signature over something else or
  /// with another key, or of another width; VOTER_MISMATCH for another person's; what EidVerifier::verify and
  /// issuer_of give for a certificate; WIRE_NONCANONICAL for an answer that has too much or too little; a
  /// refusal of the collector, which may come from the service; a transport's or wire refusal, where a poll
  /// without answer, or refused with SERVICE_UNAVAILABLE or RATE_LIMITED, is sent again.
  Result<Signed, Rejection> sign(KeyUse use, ByteView message) override;

  void authorised(const ServiceSigned& ticket) override { ticket_ = ticket; }

 private:
  Result<PhoneAnswer, Rejection> ask(PhoneAction action, std::optional<HashToSign> hash);

  const Election& election_;
  const EidVerifier& eid_;
  Transport& transport_;
  ClientClock clock_;
  PhoneAccount account_;
  PhoneObserver& observer_;
  const std::atomic<bool>& cancelled_;
  std::optional<ServiceSigned> ticket_;
  Bytes signing_certificate_;  // empty until asked for
};

}  // namespace psephos
