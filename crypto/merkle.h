#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "crypto/fault.h"
#include "crypto/hash.h"
#include "crypto/result.h"

/// The Merkle tree of the log (SPEC §8.2, §8.3; RFC 9162 §2.1, the tree of RFC 6962, with SHA-256).
/// Everything here is public; time depends on sizes and indices.
namespace psephos {

/// SHA-256(0x00 ‖ entry). The prefix keeps leaves and nodes apart: no entry has an inner node's hash.
Digest256 leaf_hash(ByteView entry);
/// SHA-256(0x01 ‖ left ‖ right).
Digest256 node_hash(const Digest256& left, const Digest256& right);
/// SHA-256 of nothing.
Digest256 empty_root();
/// The root over leaf hashes in order, on all cores. Cost: n − 1 node hashes.
Digest256 root_of(std::span<const Digest256> leaf_hashes);

/// The roots of the maximal complete subtrees of a tree, left to right: one for each bit of its size. Enough
/// to append to a tree and to know its root without holding its leaves.
class CompactRange {
 public:
  CompactRange() = default;
  /// @return kLogProofDegenerate if the number of roots is not that of the bits of `size`.
  static Result<CompactRange, Fault> from(std::uint64_t size, std::vector<Digest256> roots);
  /// Amortised cost: 1 node hash.
  void append(const Digest256& leaf_hash);
  std::uint64_t size() const { return size_; }
  const std::vector<Digest256>& roots() const { return roots_; }
  Digest256 root() const;

 private:
  std::uint64_t size_ = 0;
  std::vector<Digest256> roots_;
};

/// The whole tree in memory, about 64 bytes an entry; proves every index and size it has had.
/// Not thread-safe against append.
class MerkleTree {
 public:
  /// @return the index of the new leaf.
  std::uint64_t append(const Digest256& leaf_hash);
  std::uint64_t size() const { return levels_.empty() ? 0 : levels_[0].size(); }
  /// @pre index < size().
  const Digest256& leaf(std::uint64_t index) const;
  /// @pre size <= size(). Cost: at most log2(size) node hashes, as for the proofs.
  Digest256 root(std::uint64_t size) const;
  Digest256 root() const { return root(size()); }
  /// PATH(index, D[size]) of RFC 9162 §2.1.3.1. @pre index < size <= size().
  std::vector<Digest256> inclusion_proof(std::uint64_t index, std::uint64_t size) const;
  /// PROOF(old_size, D[size]) of RFC 9162 §2.1.4.1; empty if both are equal. @pre 0 < old_size <= size <=
  /// size().
  std::vector<Digest256> consistency_proof(std::uint64_t old_size, std::uint64_t size) const;

 private:
  Digest256 range_root(std::uint64_t begin, std::uint64_t end) const;
  std::vector<std::vector<Digest256>> levels_;  // levels_[k][i]: root of leaves i·2^k to (i+1)·2^k − 1
};

/// The leaf is the one at `index` of the tree of `size` leaves with this root (RFC 9162 §2.1.3.2, SPEC §8.3).
/// @return kLogProofDegenerate if index >= size, the path has not exactly the length that index and size ask
/// for, or the leaf hash is all zero (unset memory, no entry's hash); kLogProofInvalid if another root
/// results. Nothing else.
[[nodiscard]] Result<void, Fault> verify_inclusion(const Digest256& leaf_hash, std::uint64_t index,
                                                   std::uint64_t size, std::span<const Digest256> proof,
                                                   const Digest256& root);

/// The tree of `size` leaves extends that of `old_size` (RFC 9162 §2.1.4.2, SPEC §8.3).
/// @return kLogProofDegenerate if old_size is 0 (nothing would be shown) or greater than size, or the path
/// has another length than the sizes ask for; kLogProofInvalid if either root differs. Nothing else.
[[nodiscard]] Result<void, Fault> verify_consistency(std::uint64_t old_size, const Digest256& old_root,
                                                     std::uint64_t size, const Digest256& root,
                                                     std::span<const Digest256> proof);

}  // namespace psephos
