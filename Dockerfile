# httpmon as one file on Node. The mode comes from APP_MODE (or as an argument), the config from
# APP_CONFIG. An agent keeps its state in /var/lib/httpmon, which is to be a volume; the other modes
# keep nothing, so none is declared here.

FROM node:24.21.0-slim AS build
WORKDIR /src
# The packages first: they change less often than the source.
COPY deno.json deno.lock ./
COPY compat compat
RUN npx -y deno@2.9.6 install --frozen
COPY . .
RUN npx -y deno@2.9.6 task build:node

FROM node:24.21.0-slim
COPY --from=build /src/build/node /usr/local/lib/httpmon
WORKDIR /var/lib/httpmon
RUN chown node:node /var/lib/httpmon
# The user "node", as a number, so that it can be seen from outside that it is not root.
USER 1000
ENV NODE_ENV=production APP_CONFIG=/etc/httpmon/config.yaml STATE_DIRECTORY=/var/lib/httpmon
ENTRYPOINT ["node", "/usr/local/lib/httpmon/httpmon.cjs"]
