package stack

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"tandem"
)

// What the product expects of its topics: each has 12 partitions and a dead-letter topic of one; both keep events for three days.
const (
	partitions     = 12
	retention      = 3 * 24 * time.Hour
	DeadLetter     = "-dlq" // follows the name of the topic
	kafkaClusterID = "4L6g3nShT-eMCtK--X86sw"
)

// Bus is an Apache Kafka cluster of one broker or three that holds the product's topics, and creates no others by itself.
type Bus struct {
	Brokers []*Broker
	owner   T
}

// Broker is a node of a Bus: broker and controller in one.
type Broker struct {
	*Process
	Addr       string
	node       int
	controller int  // port
	alone      bool // the only broker: with it every partition has a leader
}

var sharedKafka shared[*Bus]

// SharedKafka is the broker that all tests of this binary share.
func SharedKafka(t T) *Bus {
	t.Helper()
	Require(t, "kafka")
	return sharedKafka.get(t, func(t T) (*Bus, error) { return newKafka(t, 1) })
}

// Kafka starts one broker. Settings are lines of server.properties; the last one wins.
func Kafka(t T, settings ...string) *Bus {
	t.Helper()
	return KafkaCluster(t, 1, settings...)
}

// KafkaCluster starts n brokers, one or three. Three keep every partition on all and acknowledge with two.
func KafkaCluster(t T, n int, settings ...string) *Bus {
	t.Helper()
	Require(t, "kafka")
	bus, err := newKafka(t, n, settings...)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return bus
}

func newKafka(t T, n int, settings ...string) (*Bus, error) {
	java, err := preparedJava(t)
	if err != nil {
		return nil, err
	}
	numbers, err := ports(t, 2*n)
	if err != nil {
		return nil, err
	}
	bus := &Bus{owner: t}
	var voters []string
	for i := range n {
		b := &Broker{Addr: loopback(numbers[2*i]), node: i + 1, controller: numbers[2*i+1], alone: n == 1}
		bus.Brokers = append(bus.Brokers, b)
		voters = append(voters, fmt.Sprintf("%d@%s", b.node, loopback(b.controller)))
	}
	if err := bus.launch(java, voters, settings); err != nil {
		return nil, err
	}
	return bus, bus.createTopics(t.Context())
}

// launch starts all brokers at once: none is ready before a majority is there.
func (b *Bus) launch(java javaRuntime, voters, settings []string) error {
	errs := make([]error, len(b.Brokers))
	var wg sync.WaitGroup
	for i, broker := range b.Brokers {
		dir, err := folder(b.owner, "kafka", nil)
		if err != nil {
			return err
		}
		lines := append(broker.properties(dir, voters), settings...)
		if err := broker.writeFiles(java, dir, lines); err != nil {
			return err
		}
		wg.Go(func() { broker.Process, errs[i] = launch(b.owner, broker.spec(java, dir)) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (k *Broker) spec(java javaRuntime, dir string) spec {
	return spec{
		name: "kafka", path: java.path, dir: dir, ready: k.ping,
		args: java.args("-XX:SharedArchiveFile="+java.archive(), "kafka.Kafka", filepath.Join(dir, "server.properties")),
	}
}

func (k *Broker) properties(dir string, voters []string) []string {
	copies, insync := len(voters), max(1, len(voters)-1)
	return []string{
		"process.roles=broker,controller",
		fmt.Sprintf("node.id=%d", k.node),
		"controller.quorum.voters=" + strings.Join(voters, ","),
		"controller.listener.names=CONTROLLER",
		"inter.broker.listener.name=PLAINTEXT",
		fmt.Sprintf("listeners=PLAINTEXT://%s,CONTROLLER://%s", k.Addr, loopback(k.controller)),
		"advertised.listeners=PLAINTEXT://" + k.Addr,
		"listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"log.dirs=" + filepath.Join(dir, "data"),
		"auto.create.topics.enable=false",
		fmt.Sprintf("default.replication.factor=%d", copies),
		fmt.Sprintf("min.insync.replicas=%d", insync),
		fmt.Sprintf("offsets.topic.replication.factor=%d", copies),
		"offsets.topic.num.partitions=4",
		fmt.Sprintf("transaction.state.log.replication.factor=%d", copies),
		fmt.Sprintf("transaction.state.log.min.isr=%d", insync),
		"transaction.state.log.num.partitions=4",
		fmt.Sprintf("share.coordinator.state.topic.replication.factor=%d", copies),
		fmt.Sprintf("share.coordinator.state.topic.min.isr=%d", insync),
		"group.initial.rebalance.delay.ms=0",
		"log.segment.bytes=16777216",
		"log.cleaner.dedupe.buffer.size=2097152", // 1 MiB is refused, the default is half of the heap
		"num.network.threads=2", "num.io.threads=4", "background.threads=2",
		"broker.session.timeout.ms=2000", "broker.heartbeat.interval.ms=500", // a restart after SIGKILL takes 4 s, and 12 by default
	}
}

// writeFiles formats the broker's storage as kafka-storage does, which would take longer than the broker's start.
func (k *Broker) writeFiles(java javaRuntime, dir string, lines []string) error {
	data := filepath.Join(dir, "data")
	if err := os.CopyFS(filepath.Join(data, metadataFolder), os.DirFS(filepath.Join(java.prepared, metadataFolder))); err != nil {
		return err
	}
	id := uuid.New()
	meta := fmt.Sprintf("version=1\ncluster.id=%s\nnode.id=%d\ndirectory.id=%s\n", kafkaClusterID, k.node, base64.RawURLEncoding.EncodeToString(id[:]))
	return errors.Join(
		os.WriteFile(filepath.Join(data, "meta.properties"), []byte(meta), 0o600),
		os.WriteFile(filepath.Join(dir, "server.properties"), []byte(strings.Join(lines, "\n")+"\n"), 0o600),
	)
}

// ping asks the broker for the cluster: it is ready when it lists itself, and, alone, when no partition lacks a leader.
func (k *Broker) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(k.Addr), kgo.RequestRetries(0))
	if err != nil {
		return err
	}
	defer client.Close()
	meta, err := kadm.NewClient(client).Metadata(ctx)
	if err != nil {
		return err
	}
	for _, broker := range meta.Brokers {
		if int(broker.NodeID) == k.node {
			return k.leaderless(meta)
		}
	}
	return fmt.Errorf("broker %d has not joined the cluster", k.node)
}

func (k *Broker) leaderless(meta kadm.Metadata) error {
	if k.alone {
		return led(meta.Topics)
	}
	return nil
}

// led tells whether every partition has a leader.
func led(topics kadm.TopicDetails) error {
	for _, topic := range topics {
		if topic.Err != nil {
			return fmt.Errorf("topic %s: %w", topic.Topic, topic.Err)
		}
		for _, p := range topic.Partitions {
			if p.Err != nil || p.Leader < 0 {
				return fmt.Errorf("partition %d of %s has no leader: %w", p.Partition, topic.Topic, p.Err)
			}
		}
	}
	return nil
}

// Seeds lists the brokers' addresses.
func (b *Bus) Seeds() []string {
	var out []string
	for _, broker := range b.Brokers {
		out = append(out, broker.Addr)
	}
	return out
}

// Addr is the brokers' addresses with commas, as configuration files want them.
func (b *Bus) Addr() string { return strings.Join(b.Seeds(), ",") }

// Stop asks the only broker to end. Of several, stop each: the last of a quorum never ends by itself.
func (b *Bus) Stop() { b.Brokers[0].Stop() }

// Kill ends all brokers by SIGKILL.
func (b *Bus) Kill() {
	for _, broker := range b.Brokers {
		broker.Kill()
	}
}

// Start starts all brokers that do not run, and returns when all answer.
func (b *Bus) Start() {
	var wg sync.WaitGroup
	for _, broker := range b.Brokers {
		wg.Go(broker.Start)
	}
	wg.Wait()
}

func (b *Bus) createTopics(ctx context.Context) error {
	for _, topic := range tandem.Topics {
		if err := b.create(ctx, string(topic), partitions); err != nil {
			return err
		}
		if err := b.create(ctx, string(topic)+DeadLetter, 1); err != nil {
			return err
		}
	}
	return nil
}

// Create makes a topic and returns when every broker knows the leaders of its partitions.
func (b *Bus) Create(t T, topic string, partitions int) {
	t.Helper()
	if err := b.create(t.Context(), topic, partitions); err != nil {
		t.Fatalf("%v", err)
	}
}

func (b *Bus) create(ctx context.Context, topic string, partitions int) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Seeds()...))
	if err != nil {
		return err
	}
	defer client.Close()
	keep := strconv.FormatInt(retention.Milliseconds(), 10)
	config := map[string]*string{"retention.ms": &keep}
	if _, err := kadm.NewClient(client).CreateTopic(ctx, int32(partitions), -1, config, topic); err != nil {
		return fmt.Errorf("create topic %s: %w", topic, err)
	}
	for _, broker := range b.Brokers {
		if err := broker.knows(ctx, topic, partitions); err != nil {
			return err
		}
	}
	return nil
}

// knows waits until the broker tells the leaders of a new topic: the metadata of a broker trails the controller's.
func (k *Broker) knows(ctx context.Context, topic string, partitions int) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(k.Addr))
	if err != nil {
		return err
	}
	defer client.Close()
	return poll(ctx, func(ctx context.Context) error {
		topics, err := kadm.NewClient(client).ListTopics(ctx, topic)
		if err != nil {
			return err
		}
		if got := len(topics[topic].Partitions); got != partitions {
			return fmt.Errorf("topic %s has %d partitions of %d at %s", topic, got, partitions, k.Addr)
		}
		return led(topics)
	})
}

const metadataFolder = "__cluster_metadata-0"

// javaRuntime is how brokers are run on this machine.
type javaRuntime struct {
	path     string
	home     string // of the jars
	prepared string // of what was made once for these jars and this runtime
}

func (j javaRuntime) archive() string { return filepath.Join(j.prepared, "classes.jsa") }

func (j javaRuntime) args(last ...string) []string {
	return append([]string{
		"-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true",
		"-Dlog4j2.configurationFile=" + filepath.Join(j.home, "log4j2.properties"), "-cp", filepath.Join(j.home, "lib", "*"),
	}, last...)
}

func findJava() (javaRuntime, error) {
	path, err := program("java")
	if err != nil {
		return javaRuntime{}, err
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return javaRuntime{}, err
	}
	home, err := cache("kafka-" + KafkaVersion)
	if err != nil {
		return javaRuntime{}, err
	}
	jars, err := filepath.Glob(filepath.Join(home, "lib", "kafka_*.jar"))
	if err != nil || len(jars) == 0 {
		return javaRuntime{}, fmt.Errorf("there are no jars of Kafka in %s", home)
	}
	release, err := os.ReadFile(filepath.Join(filepath.Dir(path), "..", "release"))
	if err != nil {
		return javaRuntime{}, fmt.Errorf("which Java is %s: %w", path, err)
	}
	id := uuid.NewSHA1(uuid.NameSpaceOID, append(release, path...))
	return javaRuntime{path: path, home: home, prepared: filepath.Join(home, "prepared-"+id.String())}, nil
}

// preparedJava makes, once for a Java and a version of Kafka, what lets a broker start in a third of the time: an archive of its classes and
// the metadata that formatting its storage leaves.
func preparedJava(t T) (javaRuntime, error) {
	java, err := findJava()
	if err != nil {
		return java, err
	}
	if _, err := os.Stat(java.archive()); err == nil {
		return java, nil
	}
	unlock, err := lockWaiting(filepath.Join(java.home, "lock"))
	if err != nil {
		return java, err
	}
	defer unlock()
	if _, err := os.Stat(java.archive()); err == nil {
		return java, nil // another process was first
	}
	return java, java.prepare(t)
}

func (j javaRuntime) prepare(t T) error {
	numbers, err := ports(t, 2)
	if err != nil {
		return err
	}
	dir, err := folder(t, "kafka", nil)
	if err != nil {
		return err
	}
	part := j
	part.prepared = j.prepared + ".part"
	if err := errors.Join(os.RemoveAll(part.prepared), os.Mkdir(part.prepared, 0o755), part.writeLogConfig()); err != nil {
		return err
	}
	b := &Broker{Addr: loopback(numbers[0]), controller: numbers[1], node: 1, alone: true}
	voters := []string{"1@" + loopback(b.controller)}
	if err := part.format(dir, b.properties(dir, voters)); err != nil {
		return err
	}
	s := b.spec(part, dir)
	s.args = part.args("-XX:ArchiveClassesAtExit="+part.archive(), "kafka.Kafka", filepath.Join(dir, "server.properties"))
	s.grace = time.Minute
	if b.Process, err = launch(t, s); err != nil {
		return err
	}
	if err := (&Bus{Brokers: []*Broker{b}}).createTopics(t.Context()); err != nil {
		return err
	}
	b.Stop()
	return os.Rename(part.prepared, j.prepared)
}

func (j javaRuntime) writeLogConfig() error {
	const config = "rootLogger.level=warn\nrootLogger.appenderRefs=out\nrootLogger.appenderRef.out.ref=out\n" +
		"appender.out.type=Console\nappender.out.name=out\nappender.out.layout.type=PatternLayout\nappender.out.layout.pattern=%d %p %c{1}: %m%n\n"
	return os.WriteFile(filepath.Join(j.home, "log4j2.properties"), []byte(config), 0o644)
}

// format runs Kafka's own tool and keeps the cluster metadata that it leaves.
func (j javaRuntime) format(dir string, lines []string) error {
	properties := filepath.Join(dir, "server.properties")
	if err := os.WriteFile(properties, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return err
	}
	args := j.args("kafka.tools.StorageTool", "format", "-t", kafkaClusterID, "-c", properties)
	cmd := &exec.Cmd{Path: j.path, Args: append([]string{j.path}, args...), SysProcAttr: attributes(nil, syscall.SIGKILL)}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("format Kafka's storage: %w\n%s", err, bytes.TrimSpace(out))
	}
	return os.CopyFS(filepath.Join(j.prepared, metadataFolder), os.DirFS(filepath.Join(dir, "data", metadataFolder)))
}
