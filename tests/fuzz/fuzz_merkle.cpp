#include "crypto/merkle.h"
#include "tests/fuzz/fuzz.h"

using namespace psephos;

namespace {

constexpr std::uint64_t kLeaves = 70;

const MerkleTree& tree() {
  static const MerkleTree built = [] {
    MerkleTree out;
    for (std::uint64_t i = 0; i < kLeaves; ++i) out.append(leaf_hash(u64be(i)));
    return out;
  }();
  return built;
}

class Input {
 public:
  explicit Input(ByteView bytes) : rest_(bytes) {}
  std::uint8_t next() {
    if (rest_.empty()) return 0;
    const std::uint8_t out = rest_[0];
    rest_ = rest_.subspan(1);
    return out;
  }
  bool done() const { return rest_.empty(); }

 private:
  ByteView rest_;
};

/// Changes an honest path as the input says: a byte, a hash more, a hash less, two hashes swapped, a hash out
/// of another place of the tree.
void edit(std::vector<Digest256>& path, Input& in) {
  while (!in.done() && path.size() < 100) {
    const std::uint8_t what = in.next() % 5;
    const std::uint8_t where = in.next();
    const std::uint8_t value = in.next();
    const std::uint64_t begin = value % kLeaves;
    if (what == 0) {
      path.insert(path.begin() + where % static_cast<std::ptrdiff_t>(path.size() + 1), tree().leaf(begin));
    } else if (path.empty()) {
      continue;
    } else if (what == 1) {
      path[where % path.size()][value % 32] ^= static_cast<std::uint8_t>(1 + where % 255);
    } else if (what == 2) {
      path.erase(path.begin() + where % static_cast<std::ptrdiff_t>(path.size()));
    } else if (what == 3) {
      std::swap(path[where % path.size()], path[value % path.size()]);
    } else {
      path[where % path.size()] = tree().root(begin);
    }
  }
}

}  // namespace

/// Whatever is accepted against a root of the tree is true, and is the one proof of it.
int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  Input in({data, size});
  const bool inclusion = in.next() % 2 == 0;
  const std::uint64_t honest_n = 1 + in.next() % kLeaves;
  const std::uint64_t honest_m = in.next() % honest_n;
  // A root does not tell its tree's size; what signs the root says both. So the size goes with the root here
  // too.
  const std::uint64_t n = in.next() % 4 == 0 ? in.next() % (kLeaves + 1) : honest_n;
  const std::uint64_t m = in.next() % 4 == 0 ? in.next() : honest_m;
  const Digest256 root = tree().root(n);

  if (inclusion) {
    std::vector<Digest256> path = tree().inclusion_proof(honest_m, honest_n);
    require(
        verify_inclusion(tree().leaf(honest_m), honest_m, honest_n, path, tree().root(honest_n)).has_value(),
        "merkle: an honest inclusion proof is accepted");
    const std::uint64_t leaf = in.next() % 4 == 0 ? in.next() % kLeaves : honest_m;
    edit(path, in);
    if (verify_inclusion(tree().leaf(leaf), m, n, path, root)) {
      require(m < n && leaf == m, "merkle: the leaf is at that place");
      require(path == tree().inclusion_proof(m, n), "merkle: the inclusion proof is the only one");
    }
  } else if (honest_m > 0) {
    std::vector<Digest256> path = tree().consistency_proof(honest_m, honest_n);
    require(verify_consistency(honest_m, tree().root(honest_m), honest_n, tree().root(honest_n), path)
                .has_value(),
            "merkle: an honest consistency proof is accepted");
    const Digest256 old_root = tree().root(in.next() % 4 == 0 ? in.next() % kLeaves : honest_m);
    edit(path, in);
    if (verify_consistency(m, old_root, n, root, path)) {
      require(0 < m && m <= n && old_root == tree().root(m), "merkle: the old tree is a prefix");
      require(path == (m == n ? std::vector<Digest256>{} : tree().consistency_proof(m, n)),
              "merkle: the consistency proof is the only one");
    }
  }
  return 0;
}
