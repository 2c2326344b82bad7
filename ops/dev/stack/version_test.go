package stack

import (
	"os"
	"strings"
	"testing"
)

func TestVersions_AreTheSameEverywhere(t *testing.T) {
	for file, texts := range map[string][]string{
		"../stack.sh":      {"kafka=" + KafkaVersion + "\n", "dapr=" + DaprVersion + "\n"},
		"../kafka/pom.xml": {"<artifactId>kafka_2.13</artifactId>\n      <version>" + KafkaVersion + "<"},
		"../dapr/go.mod":   {"github.com/dapr/dapr v" + DaprVersion + "\n"},
		"../../../README.md": {
			"Apache Kafka " + KafkaVersion, "Dapr " + DaprVersion,
		},
	} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range texts {
			if !strings.Contains(string(data), text) {
				t.Errorf("%s does not say %q", file, text)
			}
		}
	}
}
