#pragma once
#include <tuple>

#include "protocol/ballot.h"
#include "protocol/definition.h"
#include "protocol/log_entry.h"
#include "protocol/phone.h"
#include "protocol/record.h"
#include "protocol/roll.h"
#include "protocol/signed.h"

namespace psephos {

/// Every message of the protocol: what the schema lists and the fuzzers decode.
using AllMessages =
    std::tuple<RosterSignature, SignedDocument, ServiceSigned, Text, Choice, ChoiceList, SeveralRule, Contest,
               UnitContest, Unit, Periods, Policy, Member, Trustee, Collector, EidProfile, Definition,
               CeremonyMessage, KeyCeremony, Build, Manifest, RollChange, RollDocument, RevocationList,
               PhaseEvent, Challenge, Authentication, CastTicket, Selection, Ballot, Envelope, Evidence,
               Submission, BallotItem, RefusalItem, ReceiptStatement, Receipt, SubmitAnswer, Refusal,
               VerifyRequest, VerifyAnswer, HashToSign, PhoneStart, PhoneSession, PhonePoll, PhoneAnswer,
               LoggedItem, ListHeader, GroupSheet, Sheet, StageHashes, StageStatement, ChoiceCount,
               GroupResult, ListResult, ElectionResult, RecordFile, RecordIndex>;

}  // namespace psephos
