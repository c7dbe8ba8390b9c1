#include "crypto/merkle.h"

#include <gtest/gtest.h>

#include <bit>
#include <filesystem>
#include <string>

#include "tests/vectors.h"

namespace psephos {
namespace {

Digest256 digest(std::string_view hex_text) {
  Digest256 out{};
  const Bytes bytes = from_hex(hex_text).value();
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

Digest256 leaf_number(std::uint64_t i) {
  return leaf_hash(u64be(i));
}

std::vector<Digest256> leaves(std::uint64_t n) {
  std::vector<Digest256> out;
  for (std::uint64_t i = 0; i < n; ++i) out.push_back(leaf_number(i));
  return out;
}

MerkleTree tree_of(std::uint64_t n) {
  MerkleTree tree;
  for (std::uint64_t i = 0; i < n; ++i) tree.append(leaf_number(i));
  return tree;
}

std::uint64_t split(std::uint64_t n) {
  return std::bit_floor(n - 1);
}

// The definitions of RFC 9162 §2.1.1, §2.1.3.1 and §2.1.4.1 word for word, as the independent second.
Digest256 mth(std::span<const Digest256> d) {
  if (d.empty()) return empty_root();
  if (d.size() == 1) return d[0];
  const std::uint64_t k = split(d.size());
  return node_hash(mth(d.first(k)), mth(d.subspan(k)));
}
std::vector<Digest256> path(std::uint64_t m, std::span<const Digest256> d) {
  if (d.size() == 1) return {};
  const std::uint64_t k = split(d.size());
  std::vector<Digest256> out = m < k ? path(m, d.first(k)) : path(m - k, d.subspan(k));
  out.push_back(m < k ? mth(d.subspan(k)) : mth(d.first(k)));
  return out;
}
std::vector<Digest256> subproof(std::uint64_t m, std::span<const Digest256> d, bool b) {
  if (m == d.size()) return b ? std::vector<Digest256>{} : std::vector<Digest256>{mth(d)};
  const std::uint64_t k = split(d.size());
  std::vector<Digest256> out = m <= k ? subproof(m, d.first(k), b) : subproof(m - k, d.subspan(k), false);
  out.push_back(m <= k ? mth(d.subspan(k)) : mth(d.first(k)));
  return out;
}

// Roots of the trees over the eight test leaves of the Certificate Transparency reference implementation.
TEST(Merkle, KnownRoots) {
  const char* const entries[] = {
      "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"};
  const char* const roots[] = {"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                               "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                               "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                               "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                               "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                               "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                               "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                               "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  MerkleTree tree;
  EXPECT_EQ(tree.root(), digest("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(tree.append(leaf_hash(from_hex(entries[i]).value())), i);
    EXPECT_EQ(tree.root(), digest(roots[i]));
  }
  for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(tree.root(i + 1), digest(roots[i]));
}

TEST(Merkle, RootOfManyLeavesIsThatOfTheTree) {
  const std::vector<Digest256> all = leaves(12'300);
  CompactRange range;
  for (std::uint64_t n = 0; n <= all.size(); ++n) {
    if (n < 3 || (n % 4096) + 2 < 5 || n + 1 >= all.size())
      EXPECT_EQ(root_of(std::span(all).first(n)), range.root()) << n;
    if (n < all.size()) range.append(all[n]);
  }
}

TEST(Merkle, FollowsTheDefinitions) {
  constexpr std::uint64_t kSize = 70;
  const std::vector<Digest256> all = leaves(kSize);
  const MerkleTree tree = tree_of(kSize);
  CompactRange range;
  for (std::uint64_t n = 0; n <= kSize; ++n) {
    const auto d = std::span(all).first(n);
    EXPECT_EQ(tree.root(n), mth(d));
    EXPECT_EQ(root_of(d), mth(d));
    EXPECT_EQ(range.root(), mth(d));
    EXPECT_EQ(CompactRange::from(n, range.roots()).value().root(), mth(d));
    for (std::uint64_t m = 0; m < n; ++m) {
      EXPECT_EQ(tree.inclusion_proof(m, n), path(m, d));
      EXPECT_TRUE(verify_inclusion(all[m], m, n, path(m, d), mth(d)));
    }
    for (std::uint64_t m = 1; m <= n; ++m) {
      EXPECT_EQ(tree.consistency_proof(m, n), subproof(m, d, true));
      EXPECT_TRUE(verify_consistency(m, mth(d.first(m)), n, mth(d), subproof(m, d, true)));
    }
    if (n < kSize) range.append(all[n]);
  }
  EXPECT_EQ(CompactRange::from(3, {all[0]}).error(), Fault::kLogProofDegenerate);
  EXPECT_EQ(CompactRange::from(0, {all[0]}).error(), Fault::kLogProofDegenerate);
}

// A path proves its leaf at its own index and size only, whatever else is claimed (A157).
TEST(Merkle, InclusionBindsIndexSizeAndLeaf) {
  constexpr std::uint64_t kSize = 19;
  const MerkleTree tree = tree_of(kSize);
  for (std::uint64_t size = 1; size <= kSize; ++size) {
    for (std::uint64_t index = 0; index < size; ++index) {
      const auto proof = tree.inclusion_proof(index, size);
      const Digest256 root = tree.root(size);
      for (std::uint64_t other = 0; other <= kSize; ++other) {
        EXPECT_EQ(verify_inclusion(tree.leaf(index), other, size, proof, root).has_value(), other == index);
        if (other != index && other < kSize) {
          EXPECT_FALSE(verify_inclusion(tree.leaf(other), index, size, proof, root));
        }
      }
      auto longer = proof;
      longer.push_back(root);
      EXPECT_EQ(verify_inclusion(tree.leaf(index), index, size, longer, root).error(),
                Fault::kLogProofDegenerate);
      if (!proof.empty()) {
        EXPECT_EQ(
            verify_inclusion(tree.leaf(index), index, size, std::span(proof).first(proof.size() - 1), root)
                .error(),
            Fault::kLogProofDegenerate);
      }
      for (std::size_t i = 0; i < proof.size(); ++i) {
        auto bad = proof;
        bad[i][7] = static_cast<std::uint8_t>(bad[i][7] ^ 4);
        EXPECT_EQ(verify_inclusion(tree.leaf(index), index, size, bad, root).error(),
                  Fault::kLogProofInvalid);
      }
    }
  }
}

TEST(Merkle, DegenerateInclusion) {
  const Digest256 leaf = leaf_number(0);
  EXPECT_TRUE(verify_inclusion(leaf, 0, 1, {}, leaf));
  // An empty path over more than one leaf would make any head prove a single forged leaf.
  for (const std::uint64_t size : {2ULL, 3ULL, 1000ULL, ~0ULL})
    EXPECT_EQ(verify_inclusion(leaf, 0, size, {}, leaf).error(), Fault::kLogProofDegenerate);
  EXPECT_EQ(verify_inclusion(leaf, 0, 0, {}, leaf).error(), Fault::kLogProofDegenerate);
  EXPECT_EQ(verify_inclusion(leaf, 1, 1, {}, leaf).error(), Fault::kLogProofDegenerate);
  EXPECT_EQ(verify_inclusion(leaf, ~0ULL, 1, {}, leaf).error(), Fault::kLogProofDegenerate);
  EXPECT_EQ(verify_inclusion(Digest256{}, 0, 1, {}, Digest256{}).error(), Fault::kLogProofDegenerate);
  EXPECT_EQ(verify_inclusion(leaf, 0, 1, {}, leaf_number(1)).error(), Fault::kLogProofInvalid);
}

// An inner node passed off as an entry: its 64 bytes as an entry, or its hash as a leaf under a shortened
// path (A155).
TEST(Merkle, NoSecondPreimage) {
  const MerkleTree tree = tree_of(8);
  const Digest256 root = tree.root();
  const Digest256 inner = node_hash(tree.leaf(0), tree.leaf(1));
  Bytes children = copy_of(tree.leaf(0));
  append(children, tree.leaf(1));
  EXPECT_NE(leaf_hash(children), inner);

  const auto proof = tree.inclusion_proof(0, 8);
  const auto shortened = std::span(proof).subspan(1);
  // For the claimed tree of 8 leaves the path is too short, for every index.
  for (std::uint64_t index = 0; index < 8; ++index) {
    EXPECT_EQ(verify_inclusion(inner, index, 8, shortened, root).error(), Fault::kLogProofDegenerate);
    EXPECT_EQ(verify_inclusion(leaf_hash(children), index, 8, shortened, root).error(),
              Fault::kLogProofDegenerate);
  }
  // As an entry of a tree of 4 the node's two children have another hash than the node.
  EXPECT_EQ(verify_inclusion(leaf_hash(children), 0, 4, shortened, root).error(), Fault::kLogProofInvalid);
}

TEST(Merkle, ConsistencyBindsSizesAndRoots) {
  constexpr std::uint64_t kSize = 19;
  const MerkleTree tree = tree_of(kSize);
  for (std::uint64_t m = 1; m <= kSize; ++m) {
    for (std::uint64_t n = m; n <= kSize; ++n) {
      const auto proof = tree.consistency_proof(m, n);
      const Digest256 old_root = tree.root(m);
      const Digest256 root = tree.root(n);
      auto longer = proof;
      longer.push_back(root);
      EXPECT_EQ(verify_consistency(m, old_root, n, root, longer).error(), Fault::kLogProofDegenerate);
      Digest256 bad_root = root;
      bad_root[31] ^= 1;
      EXPECT_EQ(verify_consistency(m, old_root, n, bad_root, proof).error(), Fault::kLogProofInvalid);
      EXPECT_EQ(verify_consistency(m, bad_root, n, root, proof).error(), Fault::kLogProofInvalid);
      if (m == n) continue;
      EXPECT_EQ(verify_consistency(n, root, m, old_root, proof).error(), Fault::kLogProofDegenerate);
      EXPECT_EQ(verify_consistency(m, old_root, n, root, {}).error(), Fault::kLogProofDegenerate);
      EXPECT_EQ(verify_consistency(m, old_root, n, root, std::span(proof).first(proof.size() - 1)).error(),
                Fault::kLogProofDegenerate);
      for (std::size_t i = 0; i < proof.size(); ++i) {
        auto bad = proof;
        bad[i][0] ^= 0x80;
        EXPECT_EQ(verify_consistency(m, old_root, n, root, bad).error(), Fault::kLogProofInvalid);
      }
    }
  }
  EXPECT_EQ(verify_consistency(0, empty_root(), 5, tree.root(5), {}).error(), Fault::kLogProofDegenerate);
  EXPECT_EQ(verify_consistency(0, empty_root(), 0, empty_root(), {}).error(), Fault::kLogProofDegenerate);
}

// A log that changes one leaf below an old head can give no proof from that head to its own.
TEST(Merkle, AForkIsNotConsistent) {
  const MerkleTree honest = tree_of(13);
  for (std::uint64_t changed = 0; changed < 6; ++changed) {
    MerkleTree fork;
    for (std::uint64_t i = 0; i < 13; ++i) fork.append(leaf_number(i == changed ? 100 : i));
    for (const MerkleTree* prover : {&honest, static_cast<const MerkleTree*>(&fork)})
      EXPECT_EQ(
          verify_consistency(6, honest.root(6), 13, fork.root(), prover->consistency_proof(6, 13)).error(),
          Fault::kLogProofInvalid);
  }
}

TEST(Merkle, ALargeTreeProves) {
  constexpr std::uint64_t kSize = 100'003;
  const MerkleTree tree = tree_of(kSize);
  CompactRange range;
  for (std::uint64_t i = 0; i < kSize; ++i) range.append(tree.leaf(i));
  EXPECT_EQ(range.root(), tree.root());
  for (std::uint64_t i = 0; i < kSize; i += 997) {
    EXPECT_TRUE(verify_inclusion(tree.leaf(i), i, kSize, tree.inclusion_proof(i, kSize), tree.root()));
    EXPECT_TRUE(verify_consistency(i + 1, tree.root(i + 1), kSize, tree.root(),
                                   tree.consistency_proof(i + 1, kSize)));
  }
}

// The vectors of transparency-dev/merkle, `testdata`.
class MerkleVectors : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::is_directory(root_)) GTEST_SKIP() << "no vectors at " << root_;
  }
  static Bytes base64(const boost::json::value& value) {
    return from_base64(std::string_view(value.as_string())).value();
  }
  // A digest of another width is refused where it is decoded. The one accepted vector that has any says with
  // "don't care" texts that roots are irrelevant to it: those are padded, so that its sizes are tried.
  static std::optional<Digest256> decode(const Bytes& bytes) {
    Digest256 out{};
    if (bytes.size() != 32 && !text_of(bytes).starts_with("don't care")) return std::nullopt;
    std::copy(bytes.begin(), bytes.end(), out.begin());
    return out;
  }
  static std::optional<std::vector<Digest256>> decode_path(const boost::json::value& value) {
    std::vector<Digest256> out;
    if (value.is_null()) return out;
    for (const auto& node : value.as_array()) {
      const auto hash = decode(base64(node));
      if (!hash) return std::nullopt;
      out.push_back(*hash);
    }
    return out;
  }
  template <class Check>
  std::size_t for_each(const char* folder, Check check) {
    std::size_t count = 0;
    for (const auto& file : std::filesystem::recursive_directory_iterator(root_ / folder)) {
      if (file.path().extension() != ".json") continue;
      SCOPED_TRACE(file.path().string());
      const boost::json::value vector =
          vectors::read_json(std::filesystem::relative(file.path(), vectors::folder()).string()).value();
      EXPECT_EQ(check(vector), !vector.at("wantErr").as_bool());
      ++count;
    }
    return count;
  }
  const std::filesystem::path root_ = std::filesystem::path(vectors::folder()) / "merkle";
};

TEST_F(MerkleVectors, Inclusion) {
  const std::size_t count = for_each("inclusion", [](const boost::json::value& v) {
    const auto leaf = decode(base64(v.at("leafHash")));
    const auto root = decode(base64(v.at("root")));
    const auto proof = decode_path(v.at("proof"));
    return leaf && root && proof &&
           verify_inclusion(*leaf, v.at("leafIdx").to_number<std::uint64_t>(),
                            v.at("treeSize").to_number<std::uint64_t>(), *proof, *root)
               .has_value();
  });
  EXPECT_EQ(count, 98U);
}

TEST_F(MerkleVectors, Consistency) {
  const std::size_t count = for_each("consistency", [](const boost::json::value& v) {
    const auto root1 = decode(base64(v.at("root1")));
    const auto root2 = decode(base64(v.at("root2")));
    const auto proof = decode_path(v.at("proof"));
    return root1 && root2 && proof &&
           verify_consistency(v.at("size1").to_number<std::uint64_t>(), *root1,
                              v.at("size2").to_number<std::uint64_t>(), *root2, *proof)
               .has_value();
  });
  EXPECT_EQ(count, 98U);
}

}  // namespace
}  // namespace psephos
