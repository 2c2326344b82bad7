package dapr

import (
	"slices"

	"tandem"
)

// Names of the components, as the files of ops/dapr declare them.
const (
	PubSub      = "tandem-pubsub"      // the topics, for the relay and the workers
	PubSubHub   = "tandem-pubsub-hub"  // the same broker for the hubs, which need no events from before their start
	KeyStore    = "tandem-idempotency" // Redis
	CacheStore  = "tandem-state"       // Postgres
	SecretStore = "tandem-secrets"
)

// Names of the secrets that apps ask for. Those of the components are read by the sidecar itself.
const (
	SecretModel   = "tandem-model"   // api_key
	SecretSMTP    = "tandem-smtp"    // url
	SecretVAPID   = "tandem-vapid"   // public_key, private_key
	SecretWebhook = "tandem-webhook" // signing_key
)

// Names of the apps.
const (
	AppWeb           = "tandem-web"
	AppServe         = "tandem-serve"
	AppRelay         = "tandem-relay"
	AppRecurrence    = "tandem-recurrence"
	AppReminders     = "tandem-reminders"
	AppNotifications = "tandem-notifications"
	AppAudit         = "tandem-audit"
	// AppWorker is all workers in one process. It never runs beside the single ones: both would take every event.
	AppWorker = "tandem-worker"
)

// API is a part of the sidecar that an app may call.
type API struct {
	Name     string `json:"name"`
	Version  string `json:"version"`
	Protocol string `json:"protocol"`
}

// App is what the files of ops/dapr grant to one app, and no more. The table below is the only source: a test holds the files against it.
type App struct {
	ID         string
	Topics     []tandem.Topic // whose events it takes
	Dead       bool           // takes the dead letters of every topic
	PubSub     string         // the component it does so with; empty: none
	Publishes  []string       // topics
	Components []string       // besides PubSub
	APIs       []API
	Secrets    []string // that it may ask for
	Callers    []string // apps that may call it
}

// The parts of the sidecar. Naming at least one of a protocol closes all others of it, so every app has one of each.
var (
	apiMetadata = API{"metadata", "v1", "grpc"}
	apiAbout    = API{"metadata", "v1", "http"}
	apiInvoke   = API{"invoke", "v1", "http"}
	apiPublish  = API{"publish", "v1", "grpc"}
	apiBulk     = API{"publish", "v1alpha1", "grpc"}
	apiState    = API{"state", "v1", "grpc"}
	apiSecrets  = API{"secrets", "v1", "grpc"}
	apiJobs     = API{"jobs", "v1alpha1", "grpc"}
)

func apis(more ...API) []API { return append([]API{apiAbout, apiMetadata}, more...) }

// Apps is the product behind Dapr.
var Apps = []App{
	{ID: AppWeb, APIs: apis(apiInvoke)},
	{
		ID: AppServe, Topics: []tandem.Topic{tandem.TopicTaskUpdates}, PubSub: PubSubHub,
		Publishes: dead(tandem.TopicTaskUpdates), Components: []string{CacheStore, SecretStore},
		APIs: apis(apiPublish, apiState, apiSecrets), Secrets: []string{SecretModel}, Callers: []string{AppWeb},
	},
	{
		ID: AppRelay, PubSub: PubSub, Publishes: append(names(tandem.Topics...), dead(tandem.Topics...)...),
		Components: []string{SecretStore}, APIs: apis(apiPublish, apiBulk),
	},
	{
		ID: AppRecurrence, Topics: []tandem.Topic{tandem.TopicTaskEvents}, PubSub: PubSub,
		Publishes: dead(tandem.TopicTaskEvents), Components: []string{KeyStore, SecretStore}, APIs: apis(apiPublish, apiState),
	},
	{
		ID: AppReminders, Topics: []tandem.Topic{tandem.TopicTaskEvents}, PubSub: PubSub,
		Publishes: dead(tandem.TopicTaskEvents), Components: []string{KeyStore, SecretStore}, APIs: apis(apiPublish, apiState, apiJobs),
	},
	{
		ID: AppNotifications, Topics: []tandem.Topic{tandem.TopicReminders}, PubSub: PubSub,
		Publishes: dead(tandem.TopicReminders), Components: []string{KeyStore, SecretStore}, APIs: apis(apiPublish, apiState, apiSecrets),
		Secrets: []string{SecretSMTP, SecretVAPID, SecretWebhook},
	},
	{
		ID: AppAudit, Topics: []tandem.Topic{tandem.TopicTaskEvents, tandem.TopicReminders}, Dead: true, PubSub: PubSub,
		Publishes:  dead(tandem.TopicTaskEvents, tandem.TopicReminders),
		Components: []string{KeyStore, SecretStore}, APIs: apis(apiPublish, apiState),
	},
	{
		ID: AppWorker, Topics: []tandem.Topic{tandem.TopicTaskEvents, tandem.TopicReminders}, Dead: true, PubSub: PubSub,
		Publishes:  append(names(tandem.Topics...), dead(tandem.Topics...)...),
		Components: []string{KeyStore, SecretStore}, APIs: apis(apiPublish, apiBulk, apiState, apiJobs, apiSecrets),
		Secrets: []string{SecretSMTP, SecretVAPID, SecretWebhook},
	},
}

// AppByID gives a row of Apps.
func AppByID(id string) (App, bool) {
	i := slices.IndexFunc(Apps, func(a App) bool { return a.ID == id })
	if i < 0 {
		return App{}, false
	}
	return Apps[i], true
}

// Topic is a topic of the broker as it has to be made before any app starts.
type Topic struct {
	Name       string
	Partitions int32
}

// partitions bounds how many processes of one app share a topic.
const partitions = 12

// BrokerTopics lists all topics: those of the events, and the dead letters of each.
func BrokerTopics() []Topic {
	var out []Topic
	for _, t := range tandem.Topics {
		out = append(out, Topic{string(t), partitions}, Topic{DeadLetters(t), 1})
	}
	return out
}

func names(topics ...tandem.Topic) []string {
	var out []string
	for _, t := range topics {
		out = append(out, string(t))
	}
	return out
}

func dead(topics ...tandem.Topic) []string {
	var out []string
	for _, t := range topics {
		out = append(out, DeadLetters(t))
	}
	return out
}
