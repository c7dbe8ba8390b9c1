#include "crypto/merkle.h"

#include <bit>

#include "crypto/invariant.h"
#include "crypto/parallel.h"

namespace psephos {
namespace {

constexpr std::uint8_t kLeafPrefix[1] = {0};
constexpr std::uint8_t kNodePrefix[1] = {1};

/// The largest power of two smaller than n. @pre n > 1.
std::uint64_t split_point(std::uint64_t n) {
  return std::bit_floor(n - 1);
}

}  // namespace

Digest256 leaf_hash(ByteView entry) {
  return Sha256().update(kLeafPrefix).update(entry).finish();
}

Digest256 node_hash(const Digest256& left, const Digest256& right) {
  return Sha256().update(kNodePrefix).update(left).update(right).finish();
}

Digest256 empty_root() {
  return sha256({});
}

Digest256 root_of(std::span<const Digest256> leaf_hashes) {
  // Pieces of 2^12 leaves are complete subtrees: found on all cores, they are appended like leaves.
  constexpr std::size_t kPiece = 4096;
  const auto range_of = [](std::span<const Digest256> hashes) {
    CompactRange range;
    for (const Digest256& hash : hashes) range.append(hash);
    return range;
  };
  std::vector<Digest256> pieces(leaf_hashes.size() / kPiece);
  parallel_for(pieces.size(), 1,
               [&](std::size_t i) { pieces[i] = range_of(leaf_hashes.subspan(i * kPiece, kPiece)).root(); });
  std::vector<Digest256> roots = range_of(pieces).roots();
  const CompactRange rest = range_of(leaf_hashes.subspan(pieces.size() * kPiece));
  roots.insert(roots.end(), rest.roots().begin(), rest.roots().end());
  const auto whole = CompactRange::from(leaf_hashes.size(), std::move(roots));
  invariant(whole.has_value(), "the pieces and the rest have the roots of a range of all leaves");
  return whole->root();
}

Result<CompactRange, Fault> CompactRange::from(std::uint64_t size, std::vector<Digest256> roots) {
  if (roots.size() != static_cast<std::size_t>(std::popcount(size)))
    return std::unexpected(Fault::kLogProofDegenerate);
  CompactRange out;
  out.size_ = size;
  out.roots_ = std::move(roots);
  return out;
}

void CompactRange::append(const Digest256& leaf_hash) {
  // As in a binary counter: every trailing one bit of the size is a subtree that the new leaf completes.
  Digest256 carry = leaf_hash;
  for (std::uint64_t bits = size_; (bits & 1) != 0; bits >>= 1) {
    carry = node_hash(roots_.back(), carry);
    roots_.pop_back();
  }
  roots_.push_back(carry);
  ++size_;
}

Digest256 CompactRange::root() const {
  if (roots_.empty()) return empty_root();
  Digest256 out = roots_.back();
  for (std::size_t i = roots_.size() - 1; i-- > 0;) out = node_hash(roots_[i], out);
  return out;
}

std::uint64_t MerkleTree::append(const Digest256& leaf_hash) {
  const std::uint64_t index = size();
  Digest256 hash = leaf_hash;
  for (std::size_t k = 0;; ++k) {
    if (levels_.size() == k) levels_.emplace_back();
    levels_[k].push_back(hash);
    const std::size_t nodes = levels_[k].size();
    if (nodes % 2 != 0) return index;
    hash = node_hash(levels_[k][nodes - 2], levels_[k][nodes - 1]);
  }
}

const Digest256& MerkleTree::leaf(std::uint64_t index) const {
  invariant(index < size(), "the caller asks for a leaf that is there");
  return levels_[0][index];
}

Digest256 MerkleTree::range_root(std::uint64_t begin, std::uint64_t end) const {
  // Ranges come from splitting at powers of two, so `begin` is a multiple of every subtree taken here.
  const std::uint64_t n = end - begin;
  if (std::has_single_bit(n)) {
    const auto k = static_cast<std::size_t>(std::countr_zero(n));
    return levels_[k][begin >> k];
  }
  const std::uint64_t k = split_point(n);
  return node_hash(range_root(begin, begin + k), range_root(begin + k, end));
}

Digest256 MerkleTree::root(std::uint64_t size) const {
  invariant(size <= this->size(), "the caller asks for a size that was reached");
  return size == 0 ? empty_root() : range_root(0, size);
}

std::vector<Digest256> MerkleTree::inclusion_proof(std::uint64_t index, std::uint64_t size) const {
  invariant(index < size && size <= this->size(), "the caller asks for a leaf that is there");
  std::vector<Digest256> from_root;
  std::uint64_t begin = 0;
  std::uint64_t end = size;
  while (end - begin > 1) {
    const std::uint64_t middle = begin + split_point(end - begin);
    if (index < middle) {
      from_root.push_back(range_root(middle, end));
      end = middle;
    } else {
      from_root.push_back(range_root(begin, middle));
      begin = middle;
    }
  }
  return {from_root.rbegin(), from_root.rend()};
}

std::vector<Digest256> MerkleTree::consistency_proof(std::uint64_t old_size, std::uint64_t size) const {
  invariant(0 < old_size && old_size <= size && size <= this->size(), "the caller asks for sizes reached");
  std::vector<Digest256> from_root;
  std::uint64_t begin = 0;
  std::uint64_t end = size;
  // SUBPROOF(m, D[n], b): b holds as long as the descent has only gone left, where the verifier knows the
  // old root already.
  bool old_root_is_known = true;
  while (old_size != end) {
    const std::uint64_t middle = begin + split_point(end - begin);
    if (old_size <= middle) {
      from_root.push_back(range_root(middle, end));
      end = middle;
    } else {
      from_root.push_back(range_root(begin, middle));
      begin = middle;
      old_root_is_known = false;
    }
  }
  if (!old_root_is_known) from_root.push_back(range_root(begin, end));
  return {from_root.rbegin(), from_root.rend()};
}

Result<void, Fault> verify_inclusion(const Digest256& leaf_hash, std::uint64_t index, std::uint64_t size,
                                     std::span<const Digest256> proof, const Digest256& root) {
  if (index >= size || leaf_hash == Digest256{}) return std::unexpected(Fault::kLogProofDegenerate);
  std::uint64_t fn = index;
  std::uint64_t sn = size - 1;
  Digest256 r = leaf_hash;
  for (const Digest256& p : proof) {
    if (sn == 0) return std::unexpected(Fault::kLogProofDegenerate);  // longer than the tree is high
    if ((fn & 1) != 0 || fn == sn) {
      r = node_hash(p, r);
      while ((fn & 1) == 0 && fn != 0) {
        fn >>= 1;
        sn >>= 1;
      }
    } else {
      r = node_hash(r, p);
    }
    fn >>= 1;
    sn >>= 1;
  }
  if (sn != 0) return std::unexpected(Fault::kLogProofDegenerate);  // stops below the root
  if (r != root) return std::unexpected(Fault::kLogProofInvalid);
  return {};
}

Result<void, Fault> verify_consistency(std::uint64_t old_size, const Digest256& old_root, std::uint64_t size,
                                       const Digest256& root, std::span<const Digest256> proof) {
  if (old_size == 0 || old_size > size) return std::unexpected(Fault::kLogProofDegenerate);
  if (old_size == size) {
    if (!proof.empty()) return std::unexpected(Fault::kLogProofDegenerate);
    if (old_root != root) return std::unexpected(Fault::kLogProofInvalid);
    return {};
  }
  std::uint64_t fn = old_size - 1;
  std::uint64_t sn = size - 1;
  while ((fn & 1) != 0) {
    fn >>= 1;
    sn >>= 1;
  }
  // An old tree that is complete is itself the first node of the path, and is not sent.
  const bool starts_at_old_root = std::has_single_bit(old_size);
  if (proof.empty()) return std::unexpected(Fault::kLogProofDegenerate);
  Digest256 fr = starts_at_old_root ? old_root : proof.front();
  Digest256 sr = fr;
  for (const Digest256& c : proof.subspan(starts_at_old_root ? 0 : 1)) {
    if (sn == 0) return std::unexpected(Fault::kLogProofDegenerate);
    if ((fn & 1) != 0 || fn == sn) {
      fr = node_hash(c, fr);
      sr = node_hash(c, sr);
      while ((fn & 1) == 0 && fn != 0) {
        fn >>= 1;
        sn >>= 1;
      }
    } else {
      sr = node_hash(sr, c);
    }
    fn >>= 1;
    sn >>= 1;
  }
  if (sn != 0) return std::unexpected(Fault::kLogProofDegenerate);
  if (fr != old_root || sr != root) return std::unexpected(Fault::kLogProofInvalid);
  return {};
}

}  // namespace psephos
