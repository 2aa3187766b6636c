package main

import (
	"errors"
	"os"
	"strings"

	"stopline.internal/stream"
	"stopline.internal/stream/kafka"
)

// Reaching says how to reach a center's Kafka, and what its topics are called.
type Reaching struct {
	Kafka       string `help:"The Kafka to use, HOST:PORT,…" env:"STOPLINE_KAFKA" placeholder:"HOST:PORT"`
	KafkaConfig string `help:"${kafka_config}" env:"STOPLINE_KAFKA_CONFIG" type:"existingfile" placeholder:"FILE"`
	TopicPrefix string `help:"What stands before the name of every topic and group." env:"STOPLINE_TOPIC_PREFIX"`
}

// passwordVariable holds the password for SASL where no file does: a flag would be
// there for everybody to read.
const passwordVariable = "STOPLINE_KAFKA_PASSWORD"

// config is how to reach Kafka; without brokers there is none but the embedded one.
func (r *Reaching) config() (kafka.Config, error) {
	var c kafka.Config
	if r.KafkaConfig != "" {
		var err error
		if c, err = kafka.LoadConfig(r.KafkaConfig); err != nil {
			return c, err
		}
	}
	if r.Kafka != "" {
		c.Brokers = strings.Split(r.Kafka, ",")
	}
	if c.SASL != nil && c.SASL.PasswordFile == "" {
		c.SASL.Password = os.Getenv(passwordVariable)
	}
	return c, nil
}

// open connects to a Kafka that is there.
func (r *Reaching) open() (*kafka.Cluster, stream.Topics, error) {
	topics := stream.TopicsWithPrefix(r.TopicPrefix)
	c, err := r.config()
	if err != nil {
		return nil, topics, err
	}
	if len(c.Brokers) == 0 {
		return nil, topics, errors.New("which Kafka? Name it with --kafka HOST:PORT, or in the file of --kafka-config")
	}
	cluster, err := kafka.New(c)
	return cluster, topics, err
}
