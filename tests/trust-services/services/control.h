#pragma once
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/trust-services/services/http.h"
#include "tests/trust-services/services/mobile_id.h"
#include "tests/trust-services/services/ocsp_responder.h"
#include "tests/trust-services/services/smart_id.h"
#include "tests/trust-services/services/time_stamp_authority.h"

namespace psephos::trust {

/// What the control port answers. Whoever reaches it commands the services; it is for tests alone.
///
///   POST /control/ocsp {"fault": NAME}                           until it is set again
///                      {"fault": NAME, "amount": N, "requests": N}   with seconds or ms; for so many
///                      requests
///                      {"serial": HEX, "status": "good" | "revoked" | "suspended" | "unknown"}
///                      {"national_id": "PNOEE-…", "status": …}   of all certificates of that person
///   POST /control/tsa, /control/mobile-id, /control/smart-id  {"fault": NAME, …}
///   POST /control/reset                                          as at the beginning
///   GET  /control/journal                                        TimeStampAuthority::journal()
///   GET  /control/faults                                         the names, with their usual amounts
///
/// 200 with {} when done; 400 or 404 with a sentence that says what is wrong, and nothing has changed then.
class Control {
 public:
  using SerialsOf = std::function<std::vector<Bytes>(std::string_view national_id)>;
  using Clock = std::function<std::int64_t()>;  ///< Unix seconds
  /// The services outlive this.
  Control(OcspResponder& ocsp, TimeStampAuthority& tsa, MobileId& mobile_id, SmartId& smart_id,
          SerialsOf serials_of, Clock clock);
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  /// Another service's part: requests for /control/NAME go to `handler`; reset calls `reset`. Before the
  /// first request.
  void add(const std::string& name, HttpHandler handler, std::function<void()> reset);
  HttpReply handle(const HttpRequest& request) const;

 private:
  HttpReply ocsp(const HttpRequest& request) const;

  OcspResponder& ocsp_;
  TimeStampAuthority& tsa_;
  SerialsOf serials_of_;
  Clock clock_;
  std::map<std::string, HttpHandler, std::less<>> parts_;
  std::vector<std::function<void()>> resets_;
};

}  // namespace psephos::trust
