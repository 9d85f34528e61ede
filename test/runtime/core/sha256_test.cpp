#include "runtime/core/sha256.hpp"
#include "test/support/catch.hpp"
#include "test/support/temporary_directory.hpp"

using namespace posse;
using Catch::Matchers::ContainsSubstring;

namespace {

// FIPS 180-4's own examples.
constexpr auto abc_hash =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr auto empty_hash =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

} // namespace

TEST_CASE("sha256 agrees with the standard's examples", "[runtime][sha256]") {
  sha256 hash;
  CHECK(hash.hex() == empty_hash);
  hash.update("abc");
  CHECK(hash.hex() == abc_hash);
}

TEST_CASE("sha256 does not depend on how bytes are cut or on looking early",
          "[runtime][sha256]") {
  sha256 hash;
  hash.update("a");
  CHECK(hash.hex() != abc_hash);
  hash.update("");
  hash.update("bc");
  CHECK(hash.hex() == abc_hash);
  CHECK(hash.hex() == abc_hash);
}

TEST_CASE("sha256_of_file hashes all of a file longer than its buffer",
          "[runtime][sha256]") {
  test::temporary_directory folder;
  std::string text(3'000'001, 'x');
  test::write_text(folder / "long", text);
  sha256 hash;
  hash.update(text);
  CHECK(sha256_of_file(folder / "long") == hash.hex());
}

TEST_CASE("sha256_of_file names a file that is not there",
          "[runtime][sha256]") {
  test::temporary_directory folder;
  auto missing = sha256_of_file(folder / "none");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == errc::io_error);
  CHECK_THAT(missing.error().message,
             ContainsSubstring("none: cannot open: No such file"));
}
