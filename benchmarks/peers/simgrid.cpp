// A workload on SimGrid's flow model (S4U, SimGrid 3.32 to 4.1): a star of one registry and the nodes' NICs, no latency,
// an actor a pod and three a pull. It reads what workload_file.py writes and prints JSON: CPU seconds, peak memory in MB,
// when the last pod was ready and the sum of all ready times in simulated seconds. Without a file it prints the version
// of the library that it runs with.
#include <simgrid/s4u.hpp>
#include <simgrid/version.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sg = simgrid::s4u;

// Work that is done once on a node: whoever comes while it is under way waits for it.
class Once {
  bool begun = false, done = false;
  std::vector<sg::SemaphorePtr> waiting;

public:
  template <class Work> void run(Work work)
  {
    if (done)
      return;
    if (begun) {
      auto turn = sg::Semaphore::create(0);
      waiting.push_back(turn);
      turn->acquire();
      return;
    }
    begun = true;
    work();
    done = true;
    for (auto& turn : waiting)
      turn->release();
    waiting.clear();
  }
};

struct Node {
  sg::Host* host;
  sg::Disk* disk;
  sg::SemaphorePtr slots;
  std::map<int, Once> fetched, unpacked;
  std::vector<std::pair<double, int>> pods;
};

static std::vector<double> sizes;
static std::vector<std::vector<int>> images;
static std::vector<Node> nodes;
static sg::Host* registry;
static int downloads;
static double last = 0, sum = 0;

// What SimGrid 4 calls by other names.
#if SIMGRID_VERSION >= 40000
template <class Code> static void start(const char* name, sg::Host* host, Code code) { host->add_actor(name, code); }
static sg::NetZone* make_star(sg::Engine& engine) { return engine.get_netzone_root()->add_netzone_star("cluster"); }
static sg::Link* make_link(sg::NetZone* zone, const std::string& name, double rate) { return zone->add_link(name, rate); }
static sg::Host* make_host(sg::NetZone* zone, const std::string& name) { return zone->add_host(name, 1e9); }
static sg::Disk* make_disk(sg::Host* host, double rate) { return host->add_disk("disk-" + host->get_name(), rate, rate); }
static void route(sg::NetZone* zone, const sg::Host* host, const sg::Link* link)
{
  zone->add_route(host, static_cast<const sg::Host*>(nullptr), {sg::LinkInRoute(link)}, true);
}
#else
template <class Code> static void start(const char* name, sg::Host* host, Code code) { sg::Actor::create(name, host, code); }
static sg::NetZone* make_star(sg::Engine&) { return sg::create_star_zone("cluster"); }
static sg::Link* make_link(sg::NetZone* zone, const std::string& name, double rate) { return zone->create_link(name, rate); }
static sg::Host* make_host(sg::NetZone* zone, const std::string& name) { return zone->create_host(name, 1e9); }
static sg::Disk* make_disk(sg::Host* host, double rate) { return host->create_disk("disk-" + host->get_name(), rate, rate); }
static void route(sg::NetZone* zone, const sg::Host* host, const sg::Link* link)
{
  zone->add_route(host->get_netpoint(), nullptr, nullptr, nullptr, {sg::LinkInRoute(link)}, true);
}
#endif

static void pull(Node& node, int image)
{
  const auto& layers = images[image];
  auto next          = std::make_shared<size_t>(0);
  auto finished      = sg::Semaphore::create(0);
  for (int i = 0; i < downloads; i++)
    start("worker", node.host, [&node, &layers, next, finished] {
      while (*next < layers.size()) {
        int layer = layers[(*next)++];
        node.fetched[layer].run([&] { sg::Comm::sendto(registry, node.host, sizes[layer]); });
      }
      finished->release();
    });
  for (int i = 0; i < downloads; i++)
    finished->acquire();
  for (int layer : layers)
    node.unpacked[layer].run([&] { node.disk->write(sizes[layer]); });
}

int main(int argc, char** argv)
{
  sg::Engine engine(&argc, argv);
  if (argc < 2) {
    int major, minor, patch;
    sg_version_get(&major, &minor, &patch);
    printf(patch ? "%d.%d.%d\n" : "%d.%d\n", major, minor, patch);
    return 0;
  }
  std::ifstream in(argv[1]);
  int node_count, size_count, image_count, slots;
  double egress, nic, disk;
  in >> node_count >> size_count >> image_count >> slots >> downloads >> egress >> nic >> disk;
  sizes.resize(size_count);
  for (auto& size : sizes)
    in >> size;
  images.resize(image_count);
  for (auto& image : images) {
    int count;
    in >> count;
    image.resize(count);
    for (auto& layer : image)
      in >> layer;
  }
  nodes.resize(node_count);
  for (auto& node : nodes) {
    int count;
    in >> count;
    node.pods.resize(count);
    for (auto& pod : node.pods)
      in >> pod.first >> pod.second;
  }

  clock_t begun = clock();
  auto* zone    = make_star(engine);
  auto connect  = [zone](const std::string& name, double rate) {
    auto* host = make_host(zone, name);
    auto* link = make_link(zone, "link-" + name, rate);
    link->set_sharing_policy(sg::Link::SharingPolicy::SHARED);
    route(zone, host, link);
    return host;
  };
  registry = connect("registry", egress);
  for (int i = 0; i < node_count; i++) {
    auto& node = nodes[i];
    node.host  = connect("node" + std::to_string(i), nic);
    node.disk  = make_disk(node.host, disk);
    node.slots = sg::Semaphore::create(slots);
  }
  zone->seal();
  for (auto& node : nodes)
    for (auto [arrival, image] : node.pods)
      start("pod", node.host, [&node, arrival = arrival, image = image] {
        sg::this_actor::sleep_until(arrival);
        node.slots->acquire();
        pull(node, image);
        node.slots->release();
        last = std::max(last, sg::Engine::get_clock());
        sum += sg::Engine::get_clock();
      });
  engine.run();

  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  printf("{\"cpu\": %.6f, \"rss\": %.1f, \"end\": %.9f, \"sum\": %.9f}\n", double(clock() - begun) / CLOCKS_PER_SEC,
         usage.ru_maxrss / 1024.0, last, sum);
}
