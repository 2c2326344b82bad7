package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"tandem"
)

const (
	broker     = "kafka:9092"
	partitions = 12
	deadLetter = "-dlq"
	retention  = 3 * 24 * time.Hour
	patience   = 2 * time.Minute
)

// makeTopics makes the topics that are missing, each with its dead letters.
func makeTopics(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(broker))
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	made, all := 0, topics()
	for name, n := range all {
		fresh, err := makeTopic(ctx, admin, name, n)
		if err != nil {
			return fmt.Errorf("topic %s: %w", name, err)
		}
		if fresh {
			made++
		}
	}
	fmt.Fprintf(out, "%d topics made, %d were there\n", made, len(all)-made)
	return nil
}

// topics gives the partitions of each topic and of its dead letters.
func topics() map[string]int32 {
	all := map[string]int32{}
	for _, topic := range tandem.Topics {
		all[string(topic)], all[string(topic)+deadLetter] = partitions, 1
	}
	return all
}

func makeTopic(ctx context.Context, admin *kadm.Client, name string, partitions int32) (made bool, err error) {
	keep := strconv.FormatInt(retention.Milliseconds(), 10)
	_, err = admin.CreateTopic(ctx, partitions, -1, map[string]*string{"retention.ms": &keep}, name)
	if errors.Is(err, kerr.TopicAlreadyExists) {
		return false, nil
	}
	return err == nil, err
}
