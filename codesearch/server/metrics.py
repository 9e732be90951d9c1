"""Counters for Prometheus. The sole importer of prometheus_client.

A label names a repository only where whoever reads it may see that repository.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from codesearch.server.collection import Collection, Stage

__all__ = ["CONTENT_TYPE", "Metrics"]

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """What is counted.

    Args:
        collection: Whose repositories are looked at when somebody asks.
    """

    def __init__(self, collection: Collection) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "codesearch_http_requests",
            "Requests that were answered.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self.seconds = Histogram(
            "codesearch_http_request_seconds",
            "From the last byte of a request to the last byte of its answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.under_way = Gauge(
            "codesearch_http_requests_under_way", "Requests that are being answered.", registry=self._registry
        )
        self.refused = Counter(
            "codesearch_http_requests_refused", "Requests that were not let through.", ("why",), registry=self._registry
        )
        self.searches = Counter(
            "codesearch_searches",
            "Searches, by what was searched; one of several repositories counts for each.",
            ("repository", "kind"),
            registry=self._registry,
        )
        self.search_seconds = Histogram(
            "codesearch_search_seconds",
            "What one search took, without waiting for its turn.",
            ("kind",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._registry.register(_Repositories(collection))
        ProcessCollector(registry=self._registry)

    def text(self, may_see: Callable[[str], bool]) -> bytes:
        """Return all that somebody may see, in the text format of Prometheus."""
        return generate_latest(_Visible(self._registry, may_see))


class _Repositories(Collector):
    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    def collect(self) -> Iterable[Metric]:
        chunks = GaugeMetricFamily("codesearch_index_chunks", "Chunks that are searched.", labels=("repository",))
        pending = GaugeMetricFamily("codesearch_index_pending", "Texts without a vector yet.", labels=("repository",))
        updated = GaugeMetricFamily(
            "codesearch_index_updated_seconds", "When the index last changed, since 1970.", labels=("repository",)
        )
        failed = GaugeMetricFamily("codesearch_index_failed", "1 where the last update failed.", labels=("repository",))
        for name in self._collection.all_names():
            state = self._collection.state(name)
            failed.add_metric([name], float(state.standing.stage is Stage.FAILED))
            if state.counts is not None and state.manifest is not None:
                chunks.add_metric([name], state.counts.chunks)
                pending.add_metric([name], state.counts.pending)
                updated.add_metric([name], state.manifest.updated)
        return [chunks, pending, updated, failed]


class _Visible:
    """A registry without the samples of repositories that somebody may not see."""

    def __init__(self, registry: CollectorRegistry, may_see: Callable[[str], bool]) -> None:
        self._registry = registry
        self._may_see = may_see

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            samples = [sample for sample in metric.samples if self._shows(sample)]
            if samples or not metric.samples:
                shown = Metric(metric.name, metric.documentation, metric.type, metric.unit)
                shown.samples = samples
                yield shown

    def _shows(self, sample: Sample) -> bool:
        repository = sample.labels.get("repository")
        return not sample.name.endswith("_created") and (repository is None or self._may_see(repository))
