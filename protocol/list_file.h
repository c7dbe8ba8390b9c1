#pragma once
#include <span>
#include <vector>

#include "crypto/elgamal.h"
#include "protocol/record.h"
#include "protocol/rejection.h"

namespace psephos {

/// A bulk list, read in place: "PSEPHOS1" ‖ u32(|header|) ‖ header ‖ elements. SPEC §11.1.
struct ListFile {
  ListHeader header;
  ByteView elements;  ///< a multiple of 32 bytes
};

/// The first bytes of a list file.
Bytes list_head(const ListHeader& header);
/// @return PROOF_PARSE for a proof file and WIRE_… for a list that is cut, has surplus bytes, or another
/// number of elements than its header says; PARAM_FROM_PROVER if the header brings parameters. `object` names
/// the file in refusals.
Result<ListFile, Rejection> parse_list(ByteView file, Stage expected, const std::string& object);

/// The file of a list of ciphertexts; and back (POINT_… with the element's index).
Bytes write_ciphertexts(const ListHeader& header, std::span<const Ciphertext<Ristretto>> items);
Result<CiphertextList<Ristretto>, Rejection> read_ciphertexts(const ListFile& file,
                                                              const std::string& object);
/// The same where the elements have been decoded by whoever verified their proof.
CiphertextList<Ristretto> adopt_ciphertexts(const ListFile& file);
/// @return POINT_IDENTITY with the index of the first element that is the identity, which no list may hold.
Result<void, Rejection> check_no_identity(const ListFile& file, const std::string& object);
/// The file of a list of points (shares, plaintexts); and back.
Bytes write_points(const ListHeader& header, std::span<const Ristretto::Point> points);
Result<std::vector<Ristretto::Point>, Rejection> read_points(const ListFile& file, const std::string& object);
/// The file of a proof whose elements are already encoded.
Bytes write_elements(const ListHeader& header, ByteView elements);

}  // namespace psephos
