# The shop.
ARG VERSION=3.12

# Builds the wheel.
FROM python:${VERSION} AS builder
WORKDIR /src
COPY . .
RUN pip wheel . \
    && rm -rf build

FROM python:3.12-slim AS runtime
ENV LIMIT=10
COPY --from=builder /src/*.whl /tmp/
RUN pip install /tmp/*.whl
EXPOSE 8080
ENTRYPOINT ["shop"]

FROM scratch AS
RUN (

FROM runtime AS found
RUN echo "ünï"
