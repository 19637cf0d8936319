// A workload on SimGrid's flow model (S4U, Debian's libsimgrid): a star of one registry and the nodes' NICs, no latency,
// an actor a pod and three a pull. It reads what workload_file.py writes and prints JSON: CPU seconds, peak memory in MB,
// when the last pod was ready and the sum of all ready times in simulated seconds.
#include <simgrid/s4u.hpp>
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

static void pull(Node& node, int image)
{
  const auto& layers = images[image];
  auto next          = std::make_shared<size_t>(0);
  auto finished      = sg::Semaphore::create(0);
  for (int i = 0; i < downloads; i++)
    sg::Actor::create("worker", node.host, [&node, &layers, next, finished] {
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
  auto* zone    = sg::create_star_zone("cluster");
  auto link     = [&](const std::string& name, double rate) {
    return zone->create_link(name, rate)->set_sharing_policy(sg::Link::SharingPolicy::SHARED);
  };
  registry = zone->create_host("registry", 1e9);
  zone->add_route(registry->get_netpoint(), nullptr, nullptr, nullptr, {sg::LinkInRoute(link("egress", egress))}, true);
  for (int i = 0; i < node_count; i++) {
    auto& node = nodes[i];
    auto name  = "node" + std::to_string(i);
    node.host  = zone->create_host(name, 1e9);
    zone->add_route(node.host->get_netpoint(), nullptr, nullptr, nullptr, {sg::LinkInRoute(link("nic-" + name, nic))}, true);
    node.disk  = node.host->create_disk("disk-" + name, disk, disk);
    node.slots = sg::Semaphore::create(slots);
  }
  zone->seal();
  for (auto& node : nodes)
    for (auto [arrival, image] : node.pods)
      sg::Actor::create("pod", node.host, [&node, arrival = arrival, image = image] {
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
