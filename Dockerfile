# The image of worker, server and command line: docker run … <command>. Needs a volume at /app/data for catalog and spool.
# by version: a digest is pinned by whoever builds for keeps (node:24.21.0-slim@sha256:…)
FROM node:24.21.0-slim AS base
WORKDIR /app
COPY package.json package-lock.json .npmrc ./

FROM base AS build
COPY packages packages
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY bin bin
COPY scripts scripts
COPY src src
RUN npm run build

FROM base AS packages
# without the workspaces: the image has its own Node, and the client is for others
RUN npm ci --omit=dev --workspaces=false

FROM node:24.21.0-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json ./
COPY bin bin
COPY migrations migrations
RUN mkdir -m 700 data && chown node:node data
USER node
VOLUME /app/data
# Node is PID 1 and starts no other processes, so no init is needed: the program handles SIGTERM itself, lets calls that
# are paid finish (SHUTDOWN_GRACE, 60 s), and then ends. Give it longer than that: docker stop --timeout 75.
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "bin/asset-archiver.mjs"]
CMD ["worker"]
