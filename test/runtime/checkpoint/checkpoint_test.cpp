#include "runtime/checkpoint/checkpoint_reader.hpp"
#include "runtime/checkpoint/checkpoint_writer.hpp"
#include "runtime/core/sha256.hpp"
#include "test/runtime/checkpoint/blobs.hpp"
#include "test/support/catch.hpp"
#include "test/support/child_process.hpp"
#include "test/support/temporary_directory.hpp"

#include <atomic>
#include <thread>

using namespace posse;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;
namespace fs = std::filesystem;

namespace {

particle_record particle(std::uint32_t number, unsigned seed = 1) {
  std::mt19937 random{seed * 1000 + number};
  particle_record record{{number}, {{"steps", std::to_string(seed)}}, {}};
  for (auto type : test::all_dtypes)
    record.tensors.emplace_back(std::string{"layer."}.append(to_string(type)),
                                test::random_blob(type, {2, 3}, random));
  record.tensors.emplace_back("scalar",
                              test::random_blob(dtype::f64, {}, random));
  record.tensors.emplace_back("empty",
                              test::random_blob(dtype::f32, {0}, random));
  return record;
}

checkpoint_info info() {
  return {"0.1.0",
          {{"step", 300}, {"seconds", 0.1}},
          {{"kind", "mlp"}, {"hidden", {50}}},
          {{"mean", {1e-5, -0.0, 0.30000000000000004}}}};
}

void write_checkpoint(const fs::path& folder, std::uint32_t particles,
                      unsigned seed = 1) {
  auto writer = checkpoint_writer::open(folder);
  REQUIRE(writer);
  for (std::uint32_t i = 0; i < particles; ++i)
    REQUIRE(writer->add_particle(particle(i, seed)));
  REQUIRE(writer->commit(info()));
}

/// Reads all of a checkpoint. @returns why it was refused, or an empty text.
std::string load(const fs::path& folder) {
  auto reader = checkpoint_reader::open(folder);
  if (!reader) {
    CHECK(reader.error().code == errc::corrupt_checkpoint);
    return reader.error().message;
  }
  for (auto pid : reader->particle_ids())
    if (auto x = reader->particle(pid); !x) {
      CHECK(x.error().code == errc::corrupt_checkpoint);
      return x.error().message;
    }
  return {};
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& x : fs::directory_iterator{folder})
    files.push_back(x.path());
  std::ranges::sort(files);
  return files;
}

} // namespace

TEST_CASE("a checkpoint comes back whole", "[runtime][checkpoint]") {
  test::temporary_directory folder;
  write_checkpoint(folder / "c", 3);
  auto reader = checkpoint_reader::open(folder / "c");
  REQUIRE(reader);
  CHECK(reader->info().version == "0.1.0");
  CHECK(reader->info().step == info().step);
  CHECK(reader->info().model == info().model);
  CHECK(reader->info().data == info().data);
  std::vector<std::uint32_t> numbers;
  for (auto pid : reader->particle_ids())
    numbers.push_back(pid.number);
  CHECK(numbers == std::vector<std::uint32_t>{0, 1, 2});
  for (auto pid : reader->particle_ids()) {
    CHECK(reader->particle(pid) == particle(pid.number));
  }
  CHECK(reader->particle({3}).error().code == errc::unknown_particle);
}

TEST_CASE("particles may be added by several threads at once",
          "[runtime][checkpoint]") {
  test::temporary_directory folder;
  auto writer = checkpoint_writer::open(folder / "c");
  REQUIRE(writer);
  std::atomic<int> failed{0};
  {
    std::vector<std::jthread> threads;
    for (std::uint32_t t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        for (std::uint32_t i = 0; i < 25; ++i)
          failed += !writer->add_particle(particle(4 * i + t));
      });
  }
  REQUIRE(failed == 0);
  REQUIRE(writer->commit(info()));
  auto reader = checkpoint_reader::open(folder / "c");
  REQUIRE(reader);
  CHECK(reader->particle_ids().size() == 100);
  CHECK(reader->particle({77}) == particle(77));
}

TEST_CASE("every truncation of every file is refused by name",
          "[runtime][checkpoint]") {
  test::temporary_directory folder;
  write_checkpoint(folder / "c", 2);
  REQUIRE(load(folder / "c").empty());
  for (const auto& path : files_in(folder / "c")) {
    auto whole = test::read_text(path);
    for (std::size_t part = 0; part < 64; ++part) {
      CAPTURE(path, part);
      test::write_text(path, whole.substr(0, whole.size() * part / 64));
      CHECK_THAT(load(folder / "c"), StartsWith(path.string() + ": "));
    }
    test::write_text(path, whole + ' ');
    CHECK_THAT(load(folder / "c"), StartsWith(path.string() + ": "));
    test::write_text(path, whole);
  }
  CHECK(load(folder / "c").empty());
}

TEST_CASE("500 random single-bit flips are refused by name",
          "[runtime][checkpoint]") {
  test::temporary_directory folder;
  write_checkpoint(folder / "c", 2);
  std::mt19937 random{42};
  auto files = files_in(folder / "c");
  for (int i = 0; i < 500; ++i) {
    const auto& path = files[random() % files.size()];
    auto whole = test::read_text(path);
    auto flipped = whole;
    auto bit = random() % (8 * whole.size());
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    CAPTURE(path, bit);
    test::write_text(path, flipped);
    CHECK_THAT(load(folder / "c"), StartsWith(path.string() + ": "));
    test::write_text(path, whole);
  }
  CHECK(load(folder / "c").empty());
}

TEST_CASE("every single-bit flip of a manifest is refused",
          "[runtime][checkpoint]") {
  checkpoint_manifest manifest{info(), {}};
  manifest.particles[{0}] = {96, std::string(64, 'a')};
  auto text = format_manifest(manifest);
  REQUIRE(text);
  REQUIRE(parse_manifest(*text));
  int accepted = 0;
  for (std::size_t bit = 0; bit < 8 * text->size(); ++bit) {
    auto flipped = *text;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    accepted += parse_manifest(flipped).has_value();
  }
  CHECK(accepted == 0);
}

TEST_CASE("a refusal says what was expected and what came",
          "[runtime][checkpoint]") {
  test::temporary_directory folder;
  write_checkpoint(folder / "c", 1);
  auto path = folder / "c" / "particle-00000.safetensors";
  auto whole = test::read_text(path);
  test::write_text(path, whole.substr(1));
  CHECK_THAT(load(folder / "c"),
             ContainsSubstring("expected " + std::to_string(whole.size())
                               + " bytes, got "
                               + std::to_string(whole.size() - 1)));
  whole.back() = static_cast<char>(whole.back() ^ 1);
  test::write_text(path, whole);
  CHECK_THAT(load(folder / "c"), ContainsSubstring("expected sha256 ")
                                     && ContainsSubstring(", got "));
  fs::remove(path);
  CHECK_THAT(load(folder / "c"),
             ContainsSubstring("particle-00000.safetensors: missing"));
  fs::remove(folder / "c" / "manifest.json");
  CHECK_THAT(load(folder / "c"), ContainsSubstring("manifest.json: missing"));
  fs::remove_all(folder / "c");
  auto none = checkpoint_reader::open(folder / "c");
  REQUIRE_FALSE(none);
  CHECK(none.error().code == errc::io_error);
  CHECK_THAT(none.error().message, ContainsSubstring("there is no checkpoint"));
}

TEST_CASE("a manifest with a right checksum is still checked",
          "[runtime][checkpoint]") {
  checkpoint_manifest manifest{info(), {}};
  manifest.particles[{3}] = {96, std::string(64, 'a')};
  manifest.particles[{4}] = {96, std::string(64, 'b')};
  auto text = format_manifest(manifest);
  REQUIRE(text);
  REQUIRE(parse_manifest(*text));
  auto refusal = [&](const std::string& from, const std::string& to) {
    auto altered = *text;
    altered.replace(altered.find(from), from.size(), to);
    auto place = altered.rfind(R"("sha256": ")") + 11;
    altered.replace(place, 64, std::string(64, '0'));
    sha256 hash;
    hash.update(altered);
    altered.replace(place, 64, hash.hex());
    auto refused = parse_manifest(altered);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::corrupt_checkpoint);
    return refused.error().message;
  };
  CHECK(refusal("\"schema\": 1", "\"schema\": 2")
        == "expected schema 1, got schema 2");
  CHECK(refusal("particle-00003", "../../passwd")
        == "expected the file particle-00003.safetensors, got "
           "../../passwd.safetensors");
  CHECK(refusal("\"pid\": 3", "\"pid\": 4294967296")
        == "4294967296 is no particle id");
  CHECK_THAT(refusal("\"pid\": 3", "\"pid\": \"3\""),
             ContainsSubstring("must be number"));
  CHECK_THAT(refusal("\"model\"", "\"mode1\""),
             ContainsSubstring("key 'model' not found"));
}

TEST_CASE("a writer killed at any step leaves a checkpoint that loads",
          "[runtime][checkpoint]") {
  test::temporary_directory folder;
  auto target = folder / "c";
  auto steps_of = [](const fs::path& at) {
    auto reader = checkpoint_reader::open(at);
    return reader ? reader->particle({0})->metadata.at("steps") : "none";
  };
  write_checkpoint(target, 1, 1);
  write_checkpoint(folder / "next", 1, 2);
  // Killed while it wrote: an incomplete directory beside the old one.
  fs::create_directory(folder / "c.tmp-7");
  CHECK(steps_of(target) == "1");
  // Killed between the two renames.
  fs::rename(target, folder / "c.old");
  CHECK(steps_of(target) == "1");
  // Killed before the old one was removed, and while it was.
  fs::rename(folder / "next", target);
  CHECK(steps_of(target) == "2");
  fs::remove(folder / "c.old" / "manifest.json");
  CHECK(steps_of(target) == "2");
  // The next writer sweeps.
  write_checkpoint(target, 1, 3);
  CHECK(steps_of(target) == "3");
  CHECK(files_in(folder.path()) == std::vector{target});
}

TEST_CASE("a checkpoint given up or failed leaves the one before",
          "[runtime][checkpoint]") {
  test::temporary_directory folder;
  write_checkpoint(folder / "c", 1, 1);
  {
    auto writer = checkpoint_writer::open(folder / "c");
    REQUIRE(writer->add_particle(particle(0, 2)));
  }
  {
    auto writer = checkpoint_writer::open(folder / "c");
    REQUIRE(writer->add_particle(particle(0, 2)));
    auto twice = writer->add_particle(particle(0, 2));
    REQUIRE_FALSE(twice);
    CHECK(twice.error().code == errc::invalid_argument);
    CHECK(writer->commit(info()).error() == twice.error());
  }
  {
    auto writer = checkpoint_writer::open(folder / "c");
    CHECK(writer->commit(info()).error().code == errc::invalid_argument);
  }
  CHECK(files_in(folder.path()) == std::vector{folder / "c"});
  CHECK(checkpoint_reader::open(folder / "c")->particle({0}) == particle(0, 1));
}

TEST_CASE("a full disk names the particle's file and keeps the old checkpoint",
          "[runtime][checkpoint]") {
  test::temporary_directory folder;
  write_checkpoint(folder / "c", 1, 1);
  auto message = test::message_on_full_disk(100, [&]() -> expected<void> {
    auto writer = checkpoint_writer::open(folder / "c");
    if (!writer)
      return fail(std::move(writer));
    return writer->add_particle(particle(0, 2));
  });
  CHECK_THAT(message,
             ContainsSubstring("particle-00000.safetensors: cannot write"));
  CHECK(files_in(folder.path()) == std::vector{folder / "c"});
  CHECK(load(folder / "c").empty());
}

TEST_CASE("particle files are named after their particles",
          "[runtime][checkpoint]") {
  CHECK(particle_file_name({7}) == "particle-00007.safetensors");
  CHECK(particle_file_name({123456}) == "particle-123456.safetensors");
}
