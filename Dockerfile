# deepbindnet-server, its worker and the command line on Debian 12.
#   docker build -t deepbindnet .
FROM debian:bookworm-slim AS build
COPY deploy/packages /packages
RUN /packages/install.sh /packages/build.txt /packages/runtime.txt && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cmake --preset release -DDEEPBINDNET_BUILD_TESTS=OFF \
    && cmake --build --preset release --parallel "$(nproc)" \
    && cmake --install build/release --component programs --prefix /opt/deepbindnet --strip

FROM debian:bookworm-slim
COPY deploy/packages /packages
RUN /packages/install.sh /packages/runtime.txt && rm -rf /packages /var/lib/apt/lists/* /var/log/*.log /var/log/apt
RUN useradd --system --uid 10001 --home-dir /var/lib/deepbindnet --create-home --shell /usr/sbin/nologin deepbindnet
COPY --from=build /opt/deepbindnet/bin /usr/local/bin
USER 10001:10001
WORKDIR /var/lib/deepbindnet
VOLUME /var/lib/deepbindnet
EXPOSE 50051 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 CMD ["deepbindnet-healthcheck"]
# A container's port is reached from outside the container only when the server listens on every address. That is
# neither encrypted nor authenticated, so it has to be said; publish the port on the host's loopback, or on a network
# that you trust, or see deploy/compose.tls.yaml. In the environment, so that `docker run deepbindnet --slots 2` keeps it.
ENV DEEPBINDNET_LISTEN=0.0.0.0:50051 \
    DEEPBINDNET_METRICS_LISTEN=0.0.0.0:9464 \
    DEEPBINDNET_DATA_DIR=/var/lib/deepbindnet \
    DEEPBINDNET_INSECURE=true
ENTRYPOINT ["deepbindnet-server"]
CMD []
