// A cluster's file: what it means, and every way in which it can be wrong with
// the one line that it answers with.
#include "runtime/config/cluster_config.hpp"
#include "runtime/config/load_cluster.hpp"
#include "runtime/config/load_config.hpp"
#include "runtime/config/load_run_or_cluster.hpp"
#include "runtime/config/loopback.hpp"
#include "runtime/config/to_toml.hpp"
#include "runtime/core/sha256.hpp"
#include "runtime/core/units.hpp"
#include "test/support/catch.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <variant>
#include <vector>

using namespace posse;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

namespace {

const std::string node_a = "[[node]]\nname = \"a\"\nport = 7101\n";
const std::string node_b = "[[node]]\nname = \"b\"\nport = 7102\n";
const std::string data = "[data]\npath = \"a.csv\"\n";
const std::string secret = "correct horse battery";

template <class T>
T taken(expected<T> x) {
  INFO((x ? std::string{} : x.error().message));
  REQUIRE(x);
  return *std::move(x);
}

template <class T>
std::string refusal(const expected<T>& x) {
  if (x)
    return "taken";
  CHECK(x.error().code == errc::invalid_config);
  CHECK(x.error().message.find('\n') == std::string::npos);
  return x.error().message;
}

cluster_config loaded(const std::string& text,
                      std::vector<std::string> sets = {}) {
  return taken(parse_cluster(text, "c.toml", sets));
}

run_config loaded_run(const std::string& text,
                      std::vector<std::string> sets = {}) {
  return taken(parse_config(text, "/base/e.toml", sets));
}

/// A node with one line more, which is line 4.
std::string with(const std::string& line) {
  return node_a + line + '\n';
}

/// A cluster of one node with one line of [cluster], which is line 2.
std::string with_cluster(const std::string& line) {
  return "[cluster]\n" + line + '\n' + node_a;
}

struct bad_case {
  std::string text;
  std::string message; ///< after "c.toml:"
};

void check_all(const std::vector<bad_case>& cases) {
  for (const auto& [text, message] : cases) {
    CAPTURE(text.substr(0, 200));
    CHECK(refusal(parse_cluster(text, "c.toml")) == "c.toml:" + message);
  }
}

/// A file that vanishes, with its folder.
class file_on_disk {
public:
  explicit file_on_disk(const std::string& text) {
    fs::create_directories(folder_);
    std::ofstream{path(), std::ios::binary} << text;
  }
  ~file_on_disk() { fs::remove_all(folder_); }
  file_on_disk(const file_on_disk&) = delete;
  file_on_disk& operator=(const file_on_disk&) = delete;

  fs::path path() const { return folder_ / "c.toml"; }

private:
  fs::path folder_ = fs::temp_directory_path() / "posse_cluster_config_test";
};

} // namespace

TEST_CASE("a name and a port make a node, and a node a cluster",
          "[config][load_cluster]") {
  auto config = loaded(node_a);
  CHECK(config.cluster == cluster_section{"cluster", "", 1000, 10000});
  REQUIRE(config.nodes.size() == 1);
  CHECK(
      config.nodes[0]
      == node_entry{"a", "127.0.0.1", 7101, {{{"cpu:0", 0}}, 0, 0, "auto", 0}});
  CHECK(loaded("[cluster]\n" + node_a) == config);
}

TEST_CASE("every key of a cluster is read", "[config][load_cluster]") {
  auto config = loaded(R"(
[cluster]
name = "lab"
secret = "0123456789abcdef"
heartbeat_ms = 10
timeout_ms = 30
shared_memory = false
[[node]]
name = "A_z-9"
host = "::1"
port = 65535
devices = ["cpu:0", { name = "cuda:1", bytes = "1MiB" }]
lanes = 2
cache_size = 3
cache_policy = "direct"
view_size = 4
[[node]]
name = "b"
host = "localhost"
port = 0
)");
  CHECK(config.cluster
        == cluster_section{"lab", "0123456789abcdef", 10, 30, false});
  REQUIRE(config.nodes.size() == 2);
  CHECK(config.nodes[0]
        == node_entry{"A_z-9",
                      "::1",
                      65535,
                      {{{"cpu:0", 0}, {"cuda:1", 1_MiB}}, 2, 3, "direct", 4}});
  CHECK(config.nodes[1] == node_entry{"b", "localhost", 0, {}});
  CHECK(config.find_node("b") == &config.nodes[1]);
  CHECK(config.find_node("c") == nullptr);
}

TEST_CASE("nodes may stand in one array, and any number share port 0",
          "[config][load_cluster]") {
  auto config = loaded("node = [{ name = \"a\", port = 0 },\n"
                       "{ name = \"b\", port = 0 }]\n");
  REQUIRE(config.nodes.size() == 2);
  CHECK(config.nodes[1].name == "b");
  std::string most;
  for (int i = 0; i < 1024; ++i)
    most += "[[node]]\nname = \"n" + std::to_string(i) + "\"\nport = 0\n";
  CHECK(loaded(most).nodes.size() == 1024);
  CHECK(refusal(parse_cluster(most + node_a, "c.toml"))
        == "c.toml:1: node: expected at most 1024 nodes, got 1025");
}

TEST_CASE("a text that is no cluster says what is wrong and where",
          "[config][load_cluster]") {
  std::string nested = "[[node]]\nname = ";
  nested.append(100'000, '[');
  check_all({
      {"", "1: node: expected at least one [[node]], got none"},
      {"[cluster]\nname = \"c\"\n",
       "1: cluster: expected at least one [[node]] with it, got none"},
      {"\nnode = []\n", "2: node: expected at least one [[node]], got none"},
      {"node = 5\n",
       "1: node: expected a section [[node]] for each node, got 5"},
      {"[node]\nname = \"a\"\n",
       "1: node: expected a section [[node]] for each node, got a table"},
      {"node = [\n{ name = \"a\", port = 1 },\n2]\n",
       "3: node[1]: expected a section [[node]] for each node, got 2"},
      {"cluster = \"c\"\n",
       "1: cluster: expected a section [cluster], got \"c\""},
      {"[[cluster]]\n",
       "1: cluster: expected a section [cluster], got an array of 1 value"},
      {"[[node]\n", "1: syntax: table header: expected ']', saw '\\n'"},
      {node_a + std::string(3, '\0'),
       "4: syntax: expected text, got a NUL byte (is this a binary file?)"},
      {std::string("\x7f"
                   "ELF\x02\x01\x01\0",
                   8),
       "1: syntax: expected text, got a NUL byte (is this a binary file?)"},
      {nested, "2: syntax: value: exceeded maximum nested value depth of 256 "
               "(TOML_MAX_NESTED_VALUES)"},
      {std::string(10 << 20, 'x'),
       " expected a TOML file of at most 1 MiB, got more"},
  });
}

TEST_CASE("unknown names in a cluster's file name the nearest known one",
          "[config][load_cluster]") {
  check_all({
      {"[[nodes]]\n" + node_a,
       "1: nodes: expected a section or plugins, got an unknown name; did you "
       "mean \"node\"?"},
      {node_a + "[clutser]\n",
       "4: clutser: expected a section or plugins, got an unknown name; did "
       "you mean \"cluster\"?"},
      {with("prot = 7101"), "4: node[0].prot: expected a key of [[node]], got "
                            "an unknown one; did you mean \"port\"?"},
      {node_a + node_b + "hots = \"::1\"\n",
       "7: node[1].hots: expected a key of [[node]], got an unknown one; did "
       "you mean \"host\"?"},
      {with("zebra = 1"),
       "4: node[0].zebra: expected a key of [[node]], got an unknown one; "
       "known are name, host, port, devices, lanes, cache_size, cache_policy, "
       "view_size, prefetch, host_bytes, disk_bytes or disk_path"},
      {with("heartbeat_ms = 1"),
       "4: node[0].heartbeat_ms: expected a key of [[node]], got an unknown "
       "one; did you mean \"cluster.heartbeat_ms\"?"},
      {with_cluster("devices = [\"cpu:0\"]"),
       "2: cluster.devices: expected a key of [cluster], got an unknown one; "
       "did you mean \"node.devices\"?"},
      {with_cluster("timout_ms = 5000"),
       "2: cluster.timout_ms: expected a key of [cluster], got an unknown one; "
       "did you mean \"timeout_ms\"?"},
      {with_cluster("zebra = 1"),
       "2: cluster.zebra: expected a key of [cluster], got an unknown one; "
       "known are name, secret, heartbeat_ms, timeout_ms or shared_memory"},
      {with("[node.port]"), "4: syntax: table header: cannot redefine existing "
                            "integer 'node.port' as table"},
  });
}

TEST_CASE("a wrong value of a node says what was expected",
          "[config][load_cluster]") {
  const std::string a_name =
      "expected 1 to 64 letters, digits, \"_\" or \"-\", got ";
  const std::string a_port = "expected an integer from 0 to 65535, got ";
  auto name = [](const std::string& text) {
    return "[[node]]\nport = 1\nname = " + text + '\n';
  };
  auto port = [](const std::string& text) {
    return "[[node]]\nname = \"a\"\nport = " + text + '\n';
  };
  check_all({
      {"\n[[node]]\nport = 1\n",
       "2: node[0].name: expected the node's name, got none"},
      {node_a + "[[node]]\nname = \"b\"\n",
       "4: node[1].port: expected the port where it listens, got none"},
      {node_a + "[[node]]\n",
       "4: node[1].name: expected the node's name, got none"},
      {name("\"\""), "3: node[0].name: " + a_name + "\"\""},
      {name("\"a b\""), "3: node[0].name: " + a_name + "\"a b\""},
      {name("\"a/../b\""), "3: node[0].name: " + a_name + "\"a/../b\""},
      {name("\"é\""), "3: node[0].name: " + a_name + "\"é\""},
      {name("\"a\\u0000\""), "3: node[0].name: " + a_name + "\"a\\u0000\""},
      {name("7"), "3: node[0].name: " + a_name + "7"},
      {name('"' + std::string(65, 'n') + '"'),
       "3: node[0].name: " + a_name + '"' + std::string(60, 'n') + "...\""},
      {port("70000"), "3: node[0].port: " + a_port + "70000"},
      {port("-1"), "3: node[0].port: " + a_port + "-1"},
      {port("\"7101\""), "3: node[0].port: " + a_port + "\"7101\""},
      {port("7101.0"), "3: node[0].port: " + a_port + "7101.0"},
      {port("[[[[1]]]]"), "3: node[0].port: " + a_port + "an array of 1 value"},
      {with("devices = []"), "4: node[0].devices: expected at least one "
                             "device, got an empty array"},
      {with("devices = [\"cpu:0\", \"cpu:0\"]"),
       "4: node[0].devices[1]: expected each device once, got \"cpu:0\" again"},
      {with("devices = [\"gpu:0\"]"),
       "4: node[0].devices[0]: expected cpu:K, cuda:K or sim:K with K = 0, 1, "
       "..., got \"gpu:0\""},
      {with("lanes = 1025"),
       "4: node[0].lanes: expected an integer from 0 to 1024, got 1025"},
      {with("cache_size = -1"),
       "4: node[0].cache_size: expected an integer from 0 to 1000000, got -1"},
      {with("cache_policy = \"lur\""),
       "4: node[0].cache_policy: expected auto, direct, lru or order, got "
       "\"lur\"; "
       "did you mean \"lru\"?"},
      {with("view_size = true"),
       "4: node[0].view_size: expected an integer from 0 to 1000000, got "
       "true"},
  });
}

TEST_CASE("two nodes share neither a name nor an address",
          "[config][load_cluster]") {
  auto at = [](const std::string& host) {
    return "[[node]]\nname = \"b\"\nhost = \"" + host + "\"\nport = 7101\n";
  };
  auto taken_address = [](const std::string& address) {
    return "7: node[1].port: expected a host and port for each node, got "
           + address + ":7101 for \"a\" and \"b\"";
  };
  check_all({
      {node_a + "[[node]]\nname = \"a\"\nport = 7102\n",
       "5: node[1].name: expected a name that no other node has, got \"a\" as "
       "in node[0]"},
      {node_a + at("127.0.0.1"), taken_address("127.0.0.1")},
      {node_a + at("localhost"), taken_address("127.0.0.1")},
  });
  CHECK(loaded(node_a + at("127.0.0.2")).nodes.size() == 2);
  CHECK(loaded(node_a + at("::1")).nodes.size() == 2);
}

TEST_CASE("only hosts that no other machine reaches are taken",
          "[config][load_cluster]") {
  for (std::string host :
       {"10.0.0.1", "0.0.0.0", "example.org", "::", "fe80::1", "128.0.0.1",
        "127.1", "127.0.0.256", "127.0.0.1 ", "", "[::1]",
        "127.0.0.1.example.org"}) {
    check_all({{with("host = \"" + host + '"'),
                "4: node[0].host: expected an address of 127.0.0.0/8, ::1 or "
                "localhost, got \""
                    + host
                    + "\": only loopback until nodes can prove who they are "
                      "(TLS comes with a later version)"}});
  }
  check_all({{with("host = 127"), "4: node[0].host: expected an address of "
                                  "127.0.0.0/8, ::1 or localhost, got 127"}});
  CHECK(loopback_address("localhost") == "127.0.0.1");
  CHECK(loopback_address("127.255.255.254") == "127.255.255.254");
  CHECK(loopback_address("0:0:0:0:0:0:0:1") == "::1");
  CHECK_FALSE(loopback_address(std::string("127.0.0.1\0x", 11)));
}

TEST_CASE("a timeout is three heartbeats or more", "[config][load_cluster]") {
  check_all({
      {with_cluster("heartbeat_ms = 9"),
       "2: cluster.heartbeat_ms: expected an integer from 10 to 60000, got 9"},
      {with_cluster("heartbeat_ms = 60001"),
       "2: cluster.heartbeat_ms: expected an integer from 10 to 60000, got "
       "60001"},
      {with_cluster("heartbeat_ms = \"fast\""),
       "2: cluster.heartbeat_ms: expected an integer from 10 to 60000, got "
       "\"fast\""},
      {with_cluster("timeout_ms = 600001"),
       "2: cluster.timeout_ms: expected an integer from 30 to 600000, got "
       "600001"},
      {with_cluster("timeout_ms = 2999"),
       "2: cluster.timeout_ms: expected at least 3 x heartbeat_ms = 3000, got "
       "2999"},
      {with_cluster("heartbeat_ms = 3334"),
       "2: cluster.heartbeat_ms: expected at most timeout_ms / 3 = 3333, got "
       "3334"},
  });
  CHECK(loaded(with_cluster("timeout_ms = 3000")).cluster.timeout_ms == 3000);
  CHECK(loaded(with_cluster("heartbeat_ms = 3333")).cluster.heartbeat_ms
        == 3333);
}

TEST_CASE("no message and no file shows the secret", "[config][load_cluster]") {
  check_all({
      {with_cluster("secret = \"hunter2\""),
       "2: cluster.secret: expected text of at least 16 characters, got 7"},
      {with_cluster("secret = \"\""),
       "2: cluster.secret: expected text of at least 16 characters, got 0"},
      {with_cluster("secret = \"éééééééé\""), // 16 bytes
       "2: cluster.secret: expected text of at least 16 characters, got 8"},
      {with_cluster("secret = 1234567890123456"),
       "2: cluster.secret: expected text of at least 16 characters, got no "
       "text"},
  });
  CHECK(refusal(parse_cluster(node_a, "c.toml",
                              std::vector<std::string>{"cluster.secret=x"}))
        == "--set cluster.secret: expected text of at least 16 characters, got "
           "1");
  auto config = loaded(with_cluster("secret = \"" + secret + '"'));
  CHECK(config.cluster.secret == secret);
  CHECK_THAT(to_toml(config), !ContainsSubstring("secret"));
  CHECK_THAT(to_toml(config), !ContainsSubstring(secret));
  auto run = loaded_run(data + node_a, {"cluster.secret=" + secret});
  CHECK(run.cluster->cluster.secret == secret);
  CHECK_THAT(to_toml(run), !ContainsSubstring(secret));
}

TEST_CASE("a cluster's setting knows where it came from",
          "[config][load_cluster]") {
  auto config = loaded("\n" + with_cluster("name = \"c\"") + node_b,
                       {"cluster.timeout_ms=5000"});
  const auto& origins = config.origins;
  CHECK(origins.where("cluster.name") == "c.toml:3: cluster.name");
  CHECK(origins.where("cluster.heartbeat_ms")
        == "c.toml:2: cluster.heartbeat_ms");
  CHECK(origins.where("cluster.timeout_ms") == "--set cluster.timeout_ms");
  CHECK(origins.where("node[1].port") == "c.toml:9: node[1].port");
  CHECK(origins.where("node[1].devices") == "c.toml:7: node[1].devices");
}

TEST_CASE("a run's config may hold a cluster", "[config][load_cluster]") {
  auto text = node_a + data + "[cluster]\ntimeout_ms = 5000\n" + node_b;
  auto run = loaded_run(text);
  REQUIRE(run.cluster);
  CHECK(run.cluster->nodes.size() == 2);
  CHECK(run.cluster->cluster.timeout_ms == 5000);
  CHECK(*run.cluster == loaded(text));
  CHECK(run.cluster->origins.where("node[1].name")
        == "/base/e.toml:9: node[1].name");
  CHECK_FALSE(loaded_run(data).cluster);
  CHECK_FALSE(loaded_run(data) == run);
  auto other = loaded_run(text, {"cluster.timeout_ms=6000"});
  CHECK(other.cluster->cluster.timeout_ms == 6000);
  CHECK_FALSE(other == run);
}

TEST_CASE("a cluster in a run's config is checked with it",
          "[config][load_config]") {
  auto message = [](const std::string& text,
                    std::vector<std::string> sets = {}) {
    return refusal(parse_config(text, "e.toml", sets));
  };
  CHECK(message(data + "[cluster]\nname = \"c\"\n")
        == "e.toml:3: cluster: expected at least one [[node]] with it, got "
           "none");
  CHECK(message(data + with("host = \"10.0.0.1\""))
        == "e.toml:6: node[0].host: expected an address of 127.0.0.0/8, ::1 or "
           "localhost, got \"10.0.0.1\": only loopback until nodes can prove "
           "who they are (TLS comes with a later version)");
  // The first wrong line, whatever it belongs to.
  CHECK(message(with("prot = 1") + "[data]\nsplit = -1\n")
        == "e.toml:4: node[0].prot: expected a key of [[node]], got an unknown "
           "one; did you mean \"port\"?");
  CHECK(message("[data]\nsplit = -1\n" + with("prot = 1"))
        == "e.toml:2: data.split: expected an integer from 0 to 1000000000, "
           "got -1");
  CHECK(message(data, {"cluster.name=c"})
        == "--set cluster.name: expected at least one [[node]] in the file, "
           "got none");
  CHECK(message(data + node_a, {"cluster.timeout_ms=2000"})
        == "--set cluster.timeout_ms: expected at least 3 x heartbeat_ms = "
           "3000, got 2000");
  CHECK(message(data + node_a, {"cluster.timout_ms=2000"})
        == "--set cluster.timout_ms: expected a key of [cluster], got an "
           "unknown one; did you mean \"timeout_ms\"?");
}

TEST_CASE("--set refuses nodes with a clear word", "[config][load_config]") {
  for (std::string key : {"node", "node.port", "node[0].port", "node.0.port"}) {
    auto message = "--set " + key
                   + ": expected a key of one section, got one of [[node]], an "
                     "array of tables, which --set cannot change; change the "
                     "file";
    std::vector<std::string> sets{key + "=1"};
    CHECK(refusal(parse_config(data + node_a, "e.toml", sets)) == message);
    CHECK(refusal(parse_cluster(node_a, "c.toml", sets)) == message);
  }
}

TEST_CASE("a node does not look into the run's sections",
          "[config][load_cluster]") {
  auto only = loaded(node_a);
  CHECK(loaded(node_a + "[infer]\nalgorithm = \"no such\"\nzebra = 1\n")
        == only);
  CHECK(loaded("infer = 5\nplugins = 3\n" + node_a + "[run]\n") == only);
}

TEST_CASE("a cluster's own file holds nothing of a run",
          "[config][load_cluster]") {
  auto message = [](const std::string& text,
                    std::vector<std::string> sets = {}) {
    return refusal(parse_cluster(text, "c.toml", sets, run_sections::refused));
  };
  const std::string hint =
      "; a run's settings belong to the run's config, which has a [data]";
  const std::string wanted =
      "expected only [cluster] and [[node]] in the file of a cluster, got a "
      "setting of a run"
      + hint;
  CHECK(message(node_a + "[infer]\nsteps = 1\n")
        == "c.toml:4: infer: " + wanted);
  CHECK(message(node_a + "[run]\n[infer]\n") == "c.toml:4: run: " + wanted);
  CHECK(message("plugins = []\n" + node_a) == "c.toml:1: plugins: " + wanted);
  CHECK(message(node_a, {"infer.batch=3"})
        == "--set infer.batch: expected a key of [cluster], got a setting of a "
           "run"
               + hint);
  CHECK(message(node_a, {"cluster.timeout_ms=4000"}) == "taken");
}

TEST_CASE("a file without [data] and with nodes is a cluster's",
          "[config][load_run_or_cluster]") {
  auto is_cluster = [](const std::string& text,
                       std::vector<std::string> sets = {}) {
    file_on_disk file{text};
    auto config = taken(load_run_or_cluster(file.path(), sets));
    return std::holds_alternative<cluster_config>(config);
  };
  CHECK(is_cluster(node_a));
  CHECK(is_cluster("[cluster]\n" + node_a));
  CHECK_FALSE(is_cluster(data + node_a));
  CHECK_FALSE(is_cluster(data));
  CHECK_FALSE(is_cluster(node_a + "[run]\n", {"data.path=x"}));
  file_on_disk file{node_a + "[run]\n"};
  CHECK(refusal(load_run_or_cluster(file.path()))
        == file.path().string()
               + ":4: run: expected only [cluster] and [[node]] in the file of "
                 "a cluster, got a setting of a run; a run's settings belong "
                 "to the run's config, which has a [data]");
}

TEST_CASE("a cluster's file is read from disk", "[config][load_cluster]") {
  {
    file_on_disk file{"\xEF\xBB\xBF" + node_a};
    CHECK(taken(load_cluster(file.path())) == loaded(node_a));
  }
  CHECK(refusal(load_cluster("no/such.toml"))
        == "no/such.toml: expected a TOML file, found none");
  CHECK(refusal(load_cluster("/")) == "/: expected a TOML file, got a folder");
  CHECK(refusal(load_cluster("/dev/zero"))
        == "/dev/zero: expected a TOML file of at most 1 MiB, got more");
  CHECK(refusal(load_run_or_cluster("no/such.toml"))
        == "no/such.toml: expected a TOML file, found none");
}

TEST_CASE("a printed cluster loads back equal", "[config][to_toml]") {
  auto config = loaded(with_cluster("name = \"la\\\"b\"") + node_b
                       + "devices = [\"cpu:1\", { name = \"cuda:0\", bytes = "
                         "1000 }]\nhost = \"::1\"\n");
  auto text = to_toml(config);
  INFO(text);
  CHECK(loaded(text) == config);
  CHECK(to_toml(loaded(text)) == text);
  CHECK_THAT(text, ContainsSubstring("[cluster] # what all nodes have in"));
  CHECK_THAT(text, ContainsSubstring("\n\n[[node]] # one machine"));
  CHECK_THAT(text, ContainsSubstring("\ntimeout_ms = 10000 # silence"));

  auto run = loaded_run(data + text);
  CHECK(loaded_run(to_toml(run)) == run);
  CHECK(run.cluster == config);
}

TEST_CASE("a cluster's hash is that of what it means, without the secret",
          "[config][cluster_hash]") {
  auto hash = [](const std::string& text) {
    return cluster_hash(loaded(text));
  };
  auto base = hash(node_a + node_b);
  CHECK(base.size() == 64);
  CHECK(base.find_first_not_of("0123456789abcdef") == base.npos);
  CHECK(hash(node_a + node_b) == base);
  CHECK(hash("[cluster]\ntimeout_ms = 10_000\nname = 'cluster'\n[[node]]\n"
             "port = 7101 # a comment\nname = \"a\"\nlanes = 0\n"
             + node_b)
        == base);
  CHECK(hash("[cluster]\nsecret = \"" + secret + "\"\n" + node_a + node_b)
        == base);
  CHECK(cluster_hash(*loaded_run(data + node_a + node_b).cluster) == base);

  for (std::string line : {"name = \"other\"", "heartbeat_ms = 999",
                           "timeout_ms = 10001", "shared_memory = false"})
    CHECK_FALSE(hash("[cluster]\n" + line + '\n' + node_a + node_b) == base);
  for (std::string line :
       {"host = \"127.0.0.2\"", "devices = [\"cpu:1\"]", "lanes = 1",
        "devices = [{ name = \"cpu:0\", bytes = 5 }]", "cache_size = 1",
        "cache_policy = \"lru\"", "view_size = 1", "host_bytes = 1",
        "disk_bytes = \"1kB\"", "disk_path = \"/tmp\""})
    CHECK_FALSE(hash(node_a + node_b + line + '\n') == base);
  CHECK_FALSE(hash(node_a) == base);
  CHECK_FALSE(hash(node_b + node_a) == base); // the order is a setting
}

TEST_CASE("the hash of a cluster is that of its sorted keys",
          "[config][cluster_hash]") {
  sha256 wanted;
  wanted.update("cluster.heartbeat_ms = 1000\n"
                "cluster.name = \"cluster\"\n"
                "cluster.shared_memory = true\n"
                "cluster.timeout_ms = 10000\n"
                "node[0].cache_policy = \"auto\"\n"
                "node[0].cache_size = 0\n"
                "node[0].devices = [\"cpu:0\"]\n"
                "node[0].disk_bytes = 0\n"
                "node[0].disk_path = \"/var/tmp\"\n"
                "node[0].host = \"127.0.0.1\"\n"
                "node[0].host_bytes = 0\n"
                "node[0].lanes = 0\n"
                "node[0].name = \"a\"\n"
                "node[0].port = 7101\n"
                "node[0].prefetch = true\n"
                "node[0].view_size = 0\n");
  CHECK(cluster_hash(loaded(node_a)) == wanted.hex());
}
