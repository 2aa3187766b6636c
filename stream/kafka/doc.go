// Package kafka is the service's way to Kafka, and the only place that dials it:
// the cluster and its topics, a consumer group's partitions, reading a partition
// in batches, writing with the acknowledgement of every in-sync replica, and
// waiting until what was written has come back.
//
// It knows nothing of what the messages say. Start with [Cluster].
package kafka
