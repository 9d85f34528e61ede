// Runs a libFuzzer target without libFuzzer: on each file of a folder, and on
// random mutations of them with a fixed seed.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <span>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size);

namespace {

using input = std::vector<std::uint8_t>;

std::vector<input> read_corpus(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator{folder})
    paths.push_back(entry.path());
  std::ranges::sort(paths); // the same mutations on every machine
  std::vector<input> corpus;
  for (const auto& path : paths) {
    std::ifstream file{path, std::ios::binary};
    corpus.emplace_back(std::istreambuf_iterator<char>{file},
                        std::istreambuf_iterator<char>{});
  }
  return corpus;
}

class mutator {
public:
  explicit mutator(const std::vector<input>& corpus) : corpus_{corpus} {}

  /// One to four small changes of one corpus file.
  input next() {
    input x = corpus_[below(corpus_.size())];
    for (auto changes = 1 + below(4); changes > 0; --changes)
      change(x);
    return x;
  }

private:
  void change(input& x) {
    if (x.empty()) {
      x.push_back(static_cast<std::uint8_t>(below(256)));
      return;
    }
    const auto at = below(x.size());
    const auto at_word =
        x.begin() + static_cast<std::ptrdiff_t>(at & ~std::size_t{7});
    switch (below(6)) {
    case 0: // a bit
      x[at] ^= static_cast<std::uint8_t>(1u << below(8));
      break;
    case 1: // a byte, often of the kind that lengths and types are made of
      x[at] = static_cast<std::uint8_t>(below(2) ? below(10) : below(256));
      break;
    case 2: // a huge or a zero word
      std::fill_n(at_word, std::min<std::ptrdiff_t>(8, x.end() - at_word),
                  below(2) ? 0xff : 0);
      break;
    case 3: // the end cut off
      x.resize(at);
      break;
    case 4: { // a stretch repeated
      const input stretch(at_word, x.end());
      x.insert(at_word, stretch.begin(),
               stretch.begin()
                   + static_cast<std::ptrdiff_t>(below(stretch.size() + 1)));
      break;
    }
    default: { // the rest of another file
      const auto& other = corpus_[below(corpus_.size())];
      x.resize(at);
      x.insert(x.end(), other.begin(), other.end());
    }
    }
  }

  std::size_t below(std::size_t bound) {
    return static_cast<std::size_t>(random_() % bound);
  }

  const std::vector<input>& corpus_;
  std::mt19937_64 random_{1};
};

} // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s CORPUS_FOLDER MUTATIONS\n", argv[0]);
    return 2;
  }
  const auto corpus = read_corpus(argv[1]);
  if (corpus.empty()) {
    std::fprintf(stderr, "%s: no files\n", argv[1]);
    return 2;
  }
  for (const auto& x : corpus)
    LLVMFuzzerTestOneInput(x.data(), x.size());
  const auto mutations = std::strtoul(argv[2], nullptr, 10);
  mutator mutants{corpus};
  for (unsigned long i = 0; i < mutations; ++i) {
    const auto x = mutants.next();
    LLVMFuzzerTestOneInput(x.data(), x.size());
  }
  std::printf("%zu corpus files, %lu mutations\n", corpus.size(), mutations);
}
