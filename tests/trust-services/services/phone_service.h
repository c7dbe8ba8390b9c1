#pragma once
#include <boost/json.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/random.h"
#include "tests/trust-services/services/http.h"
#include "tests/trust-services/services/phone_account.h"

namespace psephos::trust {

/// Who may ask the services: whom a contract names.
struct RelyingParty {
  std::string uuid = "00000000-0000-0000-0000-000000000000";
  std::string name = "DEMO";
};

/// What the Mobile-ID and the Smart-ID service have in common: requests in JSON, and sessions, which are
/// asked for until the person has done something.
namespace phone {

namespace json = boost::json;

/// An answer with a sentence that says what is wrong.
HttpReply wrong(unsigned status, std::string_view what);

/// The request's object; nullopt if the body is none or has members beside `members`.
std::optional<json::object> object_of(const HttpRequest& request,
                                      std::initializer_list<std::string_view> members);
/// Empty if there is no such text.
std::string_view text_in(const json::object& object, std::string_view name);
/// The members hash and hashType: SHA256 or SHA384, and as many bytes in base64.
std::optional<HashToSign> hash_in(const json::object& object);
/// Characters, not bytes, of well-formed UTF-8.
std::size_t characters(std::string_view utf8);
/// With one bit another.
HashToSign another(HashToSign hash);
/// N of a query ?timeoutMs=N, within a second and two minutes.
std::int64_t timeout_ms(std::string_view target);

/// What became of a request, once `done_ms` has come.
struct Session {
  std::string path;  ///< under which it is asked for, without the id
  std::int64_t done_ms = 0;
  json::object answer;
};

/// For one thread at a time.
class Sessions {
 public:
  /// Returns the new session's id, a UUID of version 4. Forgets sessions that are long over.
  std::string add(Session session, Rng& rng, std::int64_t now_ms);
  /// {"state": "RUNNING"} or the answer, held back while the session runs, but no longer than the target's
  /// query says; nullopt if there is no such session.
  std::optional<HttpReply> ask(std::string_view target, std::int64_t now_ms) const;
  void clear() { sessions_.clear(); }

 private:
  std::map<std::string, Session, std::less<>> sessions_;
};

}  // namespace phone
}  // namespace psephos::trust
