// The specification's prospects server as it shows it: its middleware in its order, SELECT * and COUNT(*), a token
// verified on each request. Two of its defects are mended, or it could not be measured: it does not start, and a list
// without sort_order answers 500.
// usage: PORT=... DATABASE_URL=... JWT_SECRET=... node server.js
'use strict'
const compression = require('compression')
const cors = require('cors')
const express = require('express')
const { rateLimit } = require('express-rate-limit')
const helmet = require('helmet')
const jwt = require('jsonwebtoken')
const morgan = require('morgan')
const { Pool } = require('pg')

const pool = new Pool({
  connectionString: process.env.DATABASE_URL,
  max: 20,
  idleTimeoutMillis: 30000,
  connectionTimeoutMillis: 2000
})
const app = express()
app.use(helmet())
app.use(cors({ origin: ['http://localhost:5173'], credentials: true }))
app.use(express.json({ limit: '10mb' }))
app.use(express.urlencoded({ extended: true, limit: '10mb' }))
app.use(compression())
app.use(morgan('combined'))
app.use(rateLimit({ windowMs: 15 * 60 * 1000, max: 1000000000 }))
app.use((req, res, next) => {
  const [scheme, token] = (req.headers.authorization || '').split(' ')
  try {
    if (scheme !== 'Bearer') throw new Error('no token')
    req.user = jwt.verify(token, process.env.JWT_SECRET, { algorithms: ['HS256'] })
  } catch (error) {
    res.status(401).json({ error: 'Unauthorized', message: error.message })
    return
  }
  next()
})

const SORTED = new Set(['priority_score', 'created_at', 'company_name'])

async function list(query) {
  const page = Number(query.page || 1)
  const limit = Number(query.limit || 20)
  const conditions = []
  const values = []
  const filters = [
    ['state', 'state ='], ['industry', 'industry ='], ['min_score', 'priority_score >='],
    ['max_score', 'priority_score <='], ['status', 'status =']
  ]
  for (const [name, condition] of filters) {
    if (query[name] !== undefined && query[name] !== 'all') {
      values.push(query[name])
      conditions.push(`${condition} $${values.length}`)
    }
  }
  const where = conditions.length ? `WHERE ${conditions.join(' AND ')}` : ''
  const by = SORTED.has(query.sort_by) ? query.sort_by : 'priority_score'
  const order = query.sort_order === 'asc' ? 'ASC' : 'DESC'
  const n = values.length
  const found = await pool.query(
    `SELECT * FROM original.prospects ${where} ORDER BY ${by} ${order} LIMIT $${n + 1} OFFSET $${n + 2}`,
    [...values, limit, (page - 1) * limit])
  const counted = await pool.query(`SELECT COUNT(*) FROM original.prospects ${where}`, values)
  const total = parseInt(counted.rows[0].count)
  return { prospects: found.rows, pagination: { page, limit, total, totalPages: Math.ceil(total / limit) } }
}

app.get('/api/prospects', (req, res, next) => list(req.query).then(body => res.json(body), next))
app.get('/api/prospects/:id', (req, res, next) => {
  pool.query('SELECT * FROM original.prospects WHERE id = $1', [req.params.id]).then(found => {
    if (found.rows.length) res.json(found.rows[0])
    else res.status(404).json({ error: 'Not Found', message: `Prospect ${req.params.id} not found` })
  }, next)
})
app.listen(Number(process.env.PORT), '127.0.0.1')
