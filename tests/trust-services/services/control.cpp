#include "tests/trust-services/services/control.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <initializer_list>
#include <optional>

namespace psephos::trust {
namespace {

namespace json = boost::json;

HttpReply wrong(std::string_view what) {
  return text_reply(400, fmt::format("{}\n", what));
}
HttpReply done() {
  return json_reply(200, "{}");
}

/// The request's object, with no members but these; the error is a sentence.
Result<json::object, std::string> object_of(const HttpRequest& request,
                                            std::initializer_list<std::string_view> allowed) {
  json::error_code error;
  const json::value value = json::parse(text_of(request.body), error);
  if (error || !value.is_object()) return std::unexpected("the body is no JSON object");
  for (const auto& [name, member] : value.get_object()) {
    const auto known = std::find(allowed.begin(), allowed.end(), std::string_view(name.data(), name.size()));
    if (known == allowed.end())
      return std::unexpected(fmt::format("no such member here: {}", std::string_view(name)));
  }
  return value.get_object();
}

std::optional<std::string> text_in(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string(value->get_string());
}
std::optional<std::int64_t> number_in(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_int64()) return std::nullopt;
  return value->get_int64();
}

/// Sets the fault that the object names; empty, or what is wrong with it.
template <class Service, class Kind>
std::string set_fault(Service& service, const json::object& object, std::span<const FaultName<Kind>> names) {
  const auto name = text_in(object, "fault");
  const auto kind = name ? fault_named(names, *name) : std::nullopt;
  if (!kind) return "\"fault\" is no name that /control/faults lists";
  Fault<Kind> fault{*kind};
  if (object.contains("amount")) {
    fault.amount = number_in(object, "amount");
    if (!fault.amount || name_of(names, *kind).unit.empty())
      return "\"amount\" is no whole number, or this fault has none";
  }
  std::optional<std::uint64_t> requests;
  if (object.contains("requests")) {
    const auto number = number_in(object, "requests");
    if (!number || *number < 1) return "\"requests\" is no positive number";
    requests = static_cast<std::uint64_t>(*number);
  }
  service.set_fault(fault, requests);
  return {};
}

/// A request that does nothing else.
template <class Service, class Kind>
HttpReply order_fault(Service& service, const HttpRequest& request, std::span<const FaultName<Kind>> names) {
  if (request.method != "POST") return text_reply(405, "POST\n");
  const auto object = object_of(request, {"fault", "amount", "requests"});
  if (!object) return wrong(object.error());
  const std::string bad = set_fault<Service, Kind>(service, *object, names);
  return bad.empty() ? done() : wrong(bad);
}

template <class Kind>
json::object listed(std::span<const FaultName<Kind>> names) {
  json::object out;
  for (const auto& each : names)
    out[each.name] = each.unit.empty() ? json::value(nullptr)
                                       : json::value(fmt::format("{} {}", each.usual_amount, each.unit));
  return out;
}

std::optional<CertificateStatus> status_named(std::string_view name) {
  if (name == "good") return CertificateStatus::kGood;
  if (name == "revoked") return CertificateStatus::kRevoked;
  if (name == "suspended") return CertificateStatus::kSuspended;
  if (name == "unknown") return CertificateStatus::kUnknown;
  return std::nullopt;
}

}  // namespace

Control::Control(OcspResponder& ocsp, TimeStampAuthority& tsa, MobileId& mobile_id, SmartId& smart_id,
                 SerialsOf serials_of, Clock clock)
    : ocsp_(ocsp), tsa_(tsa), serials_of_(std::move(serials_of)), clock_(std::move(clock)) {
  add("ocsp", [this](const HttpRequest& request) { return this->ocsp(request); }, [this] { ocsp_.reset(); });
  const auto add_faults = [this]<class Of, class Kind>(const char* name, Of& service,
                                                       std::span<const FaultName<Kind>> names) {
    add(
        name, [&service, names](const HttpRequest& request) { return order_fault(service, request, names); },
        [&service] { service.reset(); });
  };
  add_faults("tsa", tsa, std::span<const FaultName<TsaFault>>(kTsaFaults));
  add_faults("mobile-id", mobile_id, std::span<const FaultName<MobileIdFault>>(kMobileIdFaults));
  add_faults("smart-id", smart_id, std::span<const FaultName<SmartIdFault>>(kSmartIdFaults));
}

void Control::add(const std::string& name, HttpHandler handler, std::function<void()> reset) {
  parts_[name] = std::move(handler);
  resets_.push_back(std::move(reset));
}

HttpReply Control::handle(const HttpRequest& request) const {
  constexpr std::string_view kPrefix = "/control/";
  if (!request.target.starts_with(kPrefix)) return text_reply(404, "see trust-services --help\n");
  const std::string_view rest = std::string_view(request.target).substr(kPrefix.size());
  const std::string_view name = rest.substr(0, rest.find_first_of("/?"));
  if (request.method == "GET" && name == "journal") return text_reply(200, tsa_.journal());
  if (request.method == "GET" && name == "faults")
    return json_reply(200, json::serialize(json::object{{"ocsp", listed<OcspFault>(kOcspFaults)},
                                                        {"tsa", listed<TsaFault>(kTsaFaults)},
                                                        {"mobile-id", listed<MobileIdFault>(kMobileIdFaults)},
                                                        {"smart-id", listed<SmartIdFault>(kSmartIdFaults)}}));
  if (request.method == "POST" && name == "reset") {
    for (const auto& reset : resets_) reset();
    return done();
  }
  const auto part = parts_.find(name);
  if (part == parts_.end()) return text_reply(404, "see trust-services --help\n");
  return part->second(request);
}

HttpReply Control::ocsp(const HttpRequest& request) const {
  if (request.method != "POST") return text_reply(405, "POST\n");
  const auto object = object_of(request, {"fault", "amount", "requests", "serial", "national_id", "status"});
  if (!object) return wrong(object.error());
  const bool by_serial = object->contains("serial");
  const bool by_person = object->contains("national_id");
  if (by_serial + by_person + object->contains("fault") != 1)
    return wrong("one of \"fault\", \"serial\" and \"national_id\" is needed");
  if (!by_serial && !by_person) {
    if (object->contains("status")) return wrong("\"status\" goes with \"serial\" or \"national_id\"");
    const std::string bad = set_fault<OcspResponder, OcspFault>(ocsp_, *object, kOcspFaults);
    return bad.empty() ? done() : wrong(bad);
  }
  if (object->contains("amount") || object->contains("requests"))
    return wrong("\"amount\" and \"requests\" go with \"fault\"");
  const auto name = text_in(*object, "status");
  const auto status = name ? status_named(*name) : std::nullopt;
  if (!status) return wrong("\"status\" is none of good, revoked, suspended, unknown");
  std::vector<Bytes> serials;
  if (by_serial) {
    const auto hex = text_in(*object, "serial");
    auto serial = hex ? from_hex(*hex) : std::nullopt;
    if (!serial || serial->empty()) return wrong("\"serial\" is no lower-case hexadecimal");
    serials.push_back(std::move(*serial));
  } else {
    const auto person = text_in(*object, "national_id");
    if (person && serials_of_) serials = serials_of_(*person);
    if (serials.empty()) return text_reply(404, "no card of this person in the files that --cards names\n");
  }
  for (const Bytes& serial : serials) ocsp_.set_status(serial, *status, clock_());
  return done();
}

}  // namespace psephos::trust
